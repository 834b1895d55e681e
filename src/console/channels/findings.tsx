/** What the validator found, newest first: the sentence, what to do, the rule and its section. */

import { useState } from 'preact/hooks'
import type { FindingView } from '../api/api-types.ts'
import { useServerNow } from '../app/use-now.ts'
import { countOf, formatAgo, formatDateTime } from '../ui/format-figures.ts'
import { Badge, Empty } from '../ui/parts.tsx'
import type { Tone } from '../ui/tone.ts'

const SHOWN_FIRST = 20

const SEVERITIES: Readonly<Record<FindingView['severity'], readonly [Tone, string]>> = {
  error: ['bad', 'Error'],
  warning: ['wait', 'Warning'],
  info: ['info', 'Note'],
}

/** @param findings  Newest first, as the API has them. */
export function Findings({ findings }: { readonly findings: readonly FindingView[] }) {
  const [isAll, setIsAll] = useState(false)
  const nowMs = useServerNow(1000)
  if (findings.length === 0) {
    return (
      <Empty title="Nothing found" icon="check">
        <p>
          Every playlist of this channel is checked when it is uploaded. So far they keep to the
          rules.
        </p>
      </Empty>
    )
  }
  const shown = isAll ? findings : findings.slice(0, SHOWN_FIRST)
  return (
    <>
      <ul class="findings">
        {shown.map((finding) => {
          const [tone, word] = SEVERITIES[finding.severity]
          return (
            <li key={`${finding.at} ${finding.key} ${finding.rule}`}>
              <Badge tone={tone}>{word}</Badge>
              <div>
                <p>{finding.message}</p>
                <p>{finding.whatToDo}</p>
                <p class="quiet">
                  <code>{finding.rule}</code>, {finding.section} · {finding.key} ·{' '}
                  <span title={formatDateTime(finding.at)}>{formatAgo(finding.at, nowMs)}</span>
                </p>
              </div>
            </li>
          )
        })}
      </ul>
      {shown.length < findings.length && (
        <div>
          <button type="button" onClick={() => setIsAll(true)}>
            Show all: {countOf(findings.length, 'finding')}
          </button>
        </div>
      )}
    </>
  )
}
