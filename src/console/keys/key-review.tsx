/** What a key will be, before it is made. */

import { useEffect, useRef } from 'preact/hooks'
import { useServerNow } from '../app/use-now.ts'
import { formatDateTime } from '../ui/format-figures.ts'
import { Card } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { expiresAtMs } from './expiry.ts'
import { toStatements } from './key-draft.ts'
import type { KeyDraft } from './key-draft.ts'
import { allowsWords } from './key-words.ts'

const KINDS = {
  fine: 'Fine-grained',
  admin: 'Administrator of caches',
  super: 'Super-user',
} as const

export function KeyReview({
  draft,
  isImport,
}: {
  readonly draft: KeyDraft
  readonly isImport: boolean
}) {
  const endsAtMs = expiresAtMs(draft.expiry, useServerNow(1000))
  const allows = allowsWords({
    superUser: draft.kind === 'super',
    permissions: toStatements(draft),
    admin: draft.kind !== 'admin' ? null : draft.isAdminOfAll ? '*' : draft.adminCaches,
  })
  const rows: readonly (readonly [what: string, value: string])[] = [
    ['Kind', isImport ? `${KINDS[draft.kind]}, imported` : KINDS[draft.kind]],
    ['Name', draft.keyId === '' ? 'random' : draft.keyId],
    ...(draft.description === '' ? [] : [['Note', draft.description] as const]),
    ['Valid', endsAtMs === undefined ? 'until it is revoked' : `until ${formatDateTime(endsAtMs)}`],
    ...allows.map((words, index) => [index === 0 ? 'May' : `May (${index + 1})`, words] as const),
  ]
  const frame = useRef<HTMLDivElement>(null)
  // The form that had the focus is gone.
  useEffect(() => frame.current?.focus(), [])
  return (
    <div ref={frame} tabIndex={-1}>
      <Card title="Is this right?">
        <Table
          caption="The key"
          rows={rows}
          rowKey={([what]) => what}
          columns={[
            { title: 'What', isName: true, cell: ([what]) => what },
            { title: 'Value', cell: ([, value]) => value },
          ]}
        />
      </Card>
    </div>
  )
}
