/** The keys that the server knows: what they allow, until when, and an end to them. */

import { useState } from 'preact/hooks'
import { apiPath } from '../api/api-client.ts'
import type { KeyView } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { useAction } from '../app/use-action.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import { Dialog } from '../ui/dialog.tsx'
import { CheckField, TextField } from '../ui/field.tsx'
import { countOf, formatDateTime } from '../ui/format-figures.ts'
import { Badge, Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { KIND_WORDS, allowsWords, keyState, matchesSearch, revokeWords } from './key-words.ts'

const SHOWN_STEP = 100

export function KeyList() {
  const { data, error, reload } = useResource<{ readonly keys: readonly KeyView[] }>('/api/keys', {
    refreshMs: 15_000,
  })
  return (
    <>
      <PageHead
        title="Keys"
        lead="What each allows and until when. The keys themselves are kept nowhere."
        actions={
          <>
            <a class="button" href={routeHref('keys', ['import'])}>
              Import
            </a>
            <a class="button primary" href={routeHref('keys', ['new'])}>
              New key
            </a>
          </>
        }
      />
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {data === undefined ? (
        error === undefined && <Loading what="the keys" />
      ) : data.keys.length === 0 ? (
        <Empty title="No key in the list" icon="keys">
          <p>
            Dev keys, disposable tokens and keys whose record was lost are in no list, and are valid
            all the same.
          </p>
        </Empty>
      ) : (
        <Keys keys={data.keys} onChanged={reload} />
      )}
    </>
  )
}

function Keys(props: {
  readonly keys: readonly KeyView[]
  readonly onChanged: () => Promise<void>
}) {
  const [search, setSearch] = useState('')
  const [withEnded, setWithEnded] = useState(false)
  const [shownMax, setShownMax] = useState(SHOWN_STEP)
  const [revoking, setRevoking] = useState<KeyView>()
  const nowMs = useServerNow(30_000)
  const found = props.keys
    .filter((key) => withEnded || !keyState(key, nowMs).isOver)
    .filter((key) => matchesSearch(key, search))
    .sort((a, b) => b.issuedAt.localeCompare(a.issuedAt))
  return (
    <>
      <div class="list-tools">
        <TextField
          label="Search"
          type="search"
          value={search}
          onValue={setSearch}
          placeholder="name, note, cache"
        />
        <CheckField
          label="Revoked and expired ones, too"
          isChecked={withEnded}
          onValue={setWithEnded}
        />
      </div>
      {found.length === 0 ? (
        <Empty title="None of the keys is like that" icon="keys">
          <p>{countOf(props.keys.length, 'key')} in all, revoked and expired ones with them.</p>
        </Empty>
      ) : (
        <KeyTable keys={found.slice(0, shownMax)} nowMs={nowMs} onRevoke={setRevoking} />
      )}
      {found.length > shownMax && (
        <p>
          <button type="button" onClick={() => setShownMax(shownMax + SHOWN_STEP)}>
            Show more of {countOf(found.length, 'key')}
          </button>
        </p>
      )}
      {revoking !== undefined && (
        <RevokeDialog
          revoked={revoking}
          onClose={() => setRevoking(undefined)}
          onChanged={props.onChanged}
        />
      )}
    </>
  )
}

function KeyTable(props: {
  readonly keys: readonly KeyView[]
  readonly nowMs: number
  readonly onRevoke: (key: KeyView) => void
}) {
  const { keys, nowMs, onRevoke } = props
  return (
    <Table
      caption="Keys, newest first"
      rows={keys}
      rowKey={({ keyId }) => keyId}
      columns={[
        {
          title: 'Key',
          isName: true,
          cell: (key) => (
            <>
              {key.keyId}
              {key.description !== '' && <small>{key.description}</small>}
            </>
          ),
        },
        {
          title: 'Kind',
          cell: (key) => (
            <>
              {key.superUser ? 'Super-user' : key.admin !== null ? 'Administrator' : 'Fine-grained'}
              <small>
                {KIND_WORDS[key.kind]}
                {key.roleId !== null && ` ${key.roleId}`}
                {key.refreshedFrom !== null && `, copy of ${key.refreshedFrom}`}
              </small>
            </>
          ),
        },
        { title: 'May', cell: (key) => <Lines lines={allowsWords(key)} /> },
        {
          title: 'Valid',
          cell: (key) => {
            const state = keyState(key, nowMs)
            return (
              <>
                <Badge tone={state.tone}>{state.word}</Badge>
                <small>{state.when}</small>
              </>
            )
          },
        },
        { title: 'Made', cell: (key) => formatDateTime(key.issuedAt) },
        {
          title: 'Revoke',
          cell: (key) =>
            key.revokedAt === null ? (
              <button type="button" class="danger small" onClick={() => onRevoke(key)}>
                Revoke<span class="visually-hidden"> {key.keyId}</span>
              </button>
            ) : (
              <span class="quiet">is</span>
            ),
        },
      ]}
    />
  )
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  )
}

function RevokeDialog(props: {
  readonly revoked: KeyView
  readonly onClose: () => void
  readonly onChanged: () => Promise<void>
}) {
  const { revoked, onClose, onChanged } = props
  const { api, toasts } = useConsole()
  const revoke = useAction(async () => {
    await api.request(apiPath`/api/keys/${revoked.keyId}`, { method: 'DELETE' })
    toasts.show(`${revoked.keyId} is revoked.`)
    onClose()
    await onChanged()
  })
  return (
    <Dialog title={`Revoke ${revoked.keyId}?`} onClose={onClose}>
      <Lines lines={allowsWords(revoked)} />
      <ul class="consequences">
        {revokeWords(revoked).map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      <ErrorBanner error={revoke.error} />
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          class="danger"
          disabled={revoke.isRunning}
          onClick={() => void revoke.run()}
        >
          Revoke
        </button>
      </div>
    </Dialog>
  )
}
