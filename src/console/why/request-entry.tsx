/** One refused or missed request, or several of one kind. */

import type { RecentRequest } from '../api/steer-types.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatCount, formatDateTime } from '../ui/format-figures.ts'
import { Badge } from '../ui/parts.tsx'
import { statusTone, targetWords } from './why-list.ts'

export function RequestEntry(props: {
  readonly request: RecentRequest
  readonly ago: string
  /** How long ago the first of them was. */
  readonly since: string
}) {
  const { request, ago, since } = props
  const { statusCode, method, count, sentence, advice, commands, detail } = request
  return (
    <li class="why-entry">
      <div class="why-what">
        <Badge tone={statusTone(statusCode)}>
          {statusCode === 0 ? 'No answer' : String(statusCode)}
        </Badge>
        <code class="why-target">
          {method} {targetWords(request)}
        </code>
        {count > 1 && (
          <b class="why-count">
            {formatCount(count)} times<span class="quiet"> in {since}</span>
          </b>
        )}
        <time dateTime={request.at} title={formatDateTime(request.at)}>
          {ago}
        </time>
      </div>
      <p class="why-sentence">{sentence}</p>
      {detail !== null && detail !== '' && <p class="quiet">{detail}</p>}
      {advice !== '' && <p>{advice}</p>}
      {commands.map((command) => (
        <div key={command} class="why-command">
          <pre class="code" tabIndex={0} role="region" aria-label="Instead">
            <code>{command}</code>
          </pre>
          <CopyButton text={command} label="what to write instead" />
        </div>
      ))}
      <dl class="why-who">
        <Who term="From" value={request.clientAddress} />
        <Who term="Key" value={request.keyId ?? 'none that is valid'} />
        {request.userAgent !== '' && <Who term="Program" value={request.userAgent} />}
        <Who term="Reason" value={request.reason} />
      </dl>
    </li>
  )
}

function Who({ term, value }: { readonly term: string; readonly value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  )
}
