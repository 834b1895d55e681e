/** One object: its facts, its text when it is a playlist, download and deletion. */

import { useEffect, useState } from 'preact/hooks'
import { apiPath } from '../api/api-client.ts'
import { ApiError } from '../api/api-error.ts'
import type { ObjectPage, ObjectView } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { useAction } from '../app/use-action.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { downloadBlob } from '../ui/download.ts'
import { formatAgo, formatBytes, formatDateTime, formatSeconds } from '../ui/format-figures.ts'
import { Icon } from '../ui/icons.tsx'
import { Card, Empty, ErrorBanner, Facts, Loading, PageHead } from '../ui/parts.tsx'
import { KIND_WORDS } from './cache-words.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { fileNameOf, fromKeyBase64Url, objectPath } from './object-key.ts'
import { PlaylistText } from './playlist-text.tsx'

/** Longer texts are downloaded. */
const TEXT_BYTES_MAX = 512 * 1024

export interface ObjectDetailProps {
  readonly cacheName: string
  readonly keyBase64Url: string
}

export function ObjectDetail({ cacheName, keyBase64Url }: ObjectDetailProps) {
  const key = fromKeyBase64Url(keyBase64Url)
  const { object, error, isLoading } = useObject(cacheName, keyBase64Url, key ?? '')
  return (
    <>
      <div class="crumbs">
        <a href={routeHref('caches', [cacheName])}>
          <Icon name="back" />
          All of {cacheName}
        </a>
      </div>
      <PageHead
        title={key ?? 'No such key'}
        lead={
          <>
            in <code>{cacheName}</code>
          </>
        }
        actions={object !== undefined && <Actions cacheName={cacheName} object={object} />}
      />
      <ErrorBanner error={error} />
      {object !== undefined ? (
        <Detail cacheName={cacheName} object={object} />
      ) : isLoading ? (
        <Loading what="the object" />
      ) : (
        error === undefined && (
          <Empty title="There is no such object" icon="caches">
            <p>It was never pushed, its time to live is over, or it was deleted.</p>
          </Empty>
        )
      )}
    </>
  )
}

/** The list has an object's facts: a key is the first of those that begin with it. */
function useObject(cacheName: string, keyBase64Url: string, key: string) {
  const query = new URLSearchParams({ prefix: key, limit: '1', sort: 'key' })
  const path = `${apiPath`/api/caches/${cacheName}/objects`}?${query.toString()}`
  const { data, error, isLoading } = useResource<ObjectPage>(path, { refreshMs: 3000 })
  const [first] = data?.objects ?? []
  const object = first?.keyBase64Url === keyBase64Url ? first : undefined
  return { object, error, isLoading: isLoading && data === undefined }
}

function Detail({
  cacheName,
  object,
}: {
  readonly cacheName: string
  readonly object: ObjectView
}) {
  const nowMs = useServerNow(1000)
  const isPlaylist = object.kind === 'media' || object.kind === 'multivariant'
  const leftSeconds = Math.max(0, Math.round((Date.parse(object.expiresAt) - nowMs) / 1000))
  return (
    <>
      <Facts
        label="The object"
        facts={[
          { term: 'Kind', value: KIND_WORDS[object.kind], note: object.contentType },
          { term: 'Size', value: formatBytes(object.sizeBytes) },
          {
            term: 'Stored',
            value: formatAgo(object.storedAt, nowMs),
            note: formatDateTime(object.storedAt),
          },
          {
            term: 'Expires in',
            value: formatSeconds(leftSeconds),
            note: `of ${formatSeconds(object.ttlSeconds)}`,
          },
          { term: 'Version', value: String(object.version), note: 'of what had this name' },
        ]}
      />
      {isPlaylist || object.kind === 'manifest' ? (
        <TextCard cacheName={cacheName} object={object} />
      ) : (
        <p class="quiet">
          Only playlists and manifests are shown as text. Download it to look into it.
        </p>
      )}
    </>
  )
}

function TextCard({
  cacheName,
  object,
}: {
  readonly cacheName: string
  readonly object: ObjectView
}) {
  const { api } = useConsole()
  const [text, setText] = useState<string>()
  const [error, setError] = useState<unknown>()
  const isTooLong = object.sizeBytes > TEXT_BYTES_MAX
  useEffect(() => {
    if (isTooLong) return undefined
    const abort = new AbortController()
    const load = async () => {
      const path = objectPath(cacheName, object.keyBase64Url)
      try {
        const response = await api.fetch(path, { signal: abort.signal })
        setText(await response.text())
        setError(undefined)
      } catch (failure) {
        // One that has just expired is said so by its facts.
        if (failure instanceof ApiError) setError(failure)
      }
    }
    void load()
    return () => abort.abort()
  }, [cacheName, object.keyBase64Url, object.storedAt])
  return (
    <Card
      title="Text"
      aside={text !== undefined && <CopyButton text={text} label="the text as it is stored" />}
    >
      <ErrorBanner error={error} />
      {isTooLong ? (
        <p class="quiet">It is longer than {formatBytes(TEXT_BYTES_MAX)}: download it.</p>
      ) : text === undefined ? (
        error === undefined && <Loading what="the text" />
      ) : object.kind === 'manifest' ? (
        <pre class="code" tabIndex={0} role="region" aria-label="Text of the manifest">
          {text}
        </pre>
      ) : (
        <PlaylistText text={text} cacheName={cacheName} playlistKey={object.key} />
      )}
    </Card>
  )
}

function Actions({
  cacheName,
  object,
}: {
  readonly cacheName: string
  readonly object: ObjectView
}) {
  const { api, toasts } = useConsole()
  const [isAsked, setIsAsked] = useState(false)
  const path = objectPath(cacheName, object.keyBase64Url)
  const download = useAction(async () => {
    const response = await api.fetch(path)
    downloadBlob(fileNameOf(object.key), await response.blob())
  })
  return (
    <>
      <button type="button" disabled={download.isRunning} onClick={() => void download.run()}>
        Download
      </button>
      <button type="button" class="danger" onClick={() => setIsAsked(true)}>
        Delete
      </button>
      {download.error !== '' && <ErrorBanner error={download.error} />}
      {isAsked && (
        <ConfirmDialog
          title="Delete this object?"
          words={[object.key, 'Readers get 404 from then on, until it is pushed again.']}
          name=""
          action="Delete"
          onConfirm={async () => {
            await api.request(path, { method: 'DELETE' })
            toasts.show('It is gone.')
            location.hash = routeHref('caches', [cacheName])
          }}
          onClose={() => setIsAsked(false)}
        />
      )}
    </>
  )
}
