/** JUnit XML, as CI systems read it: one suite, one case for each promise. */

import type { CheckedPromise } from './assert-command.ts'

export function formatJunit(promises: readonly CheckedPromise[], seconds: number): string {
  const failed = promises.filter(({ breachCount }) => breachCount > 0)
  const cases = promises.map(({ name, breaches, breachCount }) => {
    const head = `    <testcase classname="headwater" name="${escapeXml(name)}" time="${seconds}"`
    if (breachCount === 0) return `${head}/>\n`
    const message = escapeXml(`broken ${breachCount} times`)
    const text = escapeXml(breaches.join('\n'))
    return `${head}>\n      <failure message="${message}">${text}</failure>\n    </testcase>\n`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<testsuites>\n',
    `  <testsuite name="headwater assert" tests="${promises.length}" failures="${failed.length}" errors="0" time="${seconds}">\n`,
    ...cases,
    '  </testsuite>\n</testsuites>\n',
  ].join('')
}

/** Controls are no XML at all; a key may hold them. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
