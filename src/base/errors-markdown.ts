/** `docs/errors.md` from the table of errors. */

import { ERROR_KINDS } from './errors.ts'

const BLAME = {
  client: 'whoever sent the request or typed the command',
  operator: 'whoever runs the server',
  backend: 'a backend that the server depends on',
  bug: 'nobody but us: please report it',
} as const

/** The whole page, ending with a line break. */
export function errorsMarkdown(): string {
  const rows = Object.entries(ERROR_KINDS).map(
    ([code, { statusCode, blame, summary }]) =>
      `| \`${code}\` | ${String(statusCode)} | ${blame} | ${summary} |`,
  )
  return `<!-- Generated from src/base/errors.ts by \`npm run docs\`; do not edit. -->

# Errors

Commands print these codes, the admin API answers with them, and the log has them as \`err.code\`.
Codes are stable: a script may depend on them. The item API under \`/cache\` answers with Momento's
error bodies instead.

"Who acts" is ${Object.entries(BLAME)
    .map(([name, text]) => `\`${name}\`: ${text}`)
    .join('; ')}.

| Code | HTTP status | Who acts | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

A command ends with exit code 2 for \`HW_CLI_USAGE\` and with 1 for all others.
`
}
