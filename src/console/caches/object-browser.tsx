/** The objects of a cache: search by prefix, in pages, sorted; to look at, download, upload, delete. */

import { useEffect, useState } from 'preact/hooks'
import { apiPath } from '../api/api-client.ts'
import type { ObjectPage, ObjectView } from '../api/steer-types.ts'
import { routeHref } from '../app/route.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import { SelectField, TextField } from '../ui/field.tsx'
import { formatAgo, formatBytes, formatDateTime, formatSeconds } from '../ui/format-figures.ts'
import { Empty, ErrorBanner, Loading } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { KIND_WORDS } from './cache-words.ts'
import { UploadDialog } from './upload-dialog.tsx'

const PAGE_OBJECTS = 50
const TYPING_MS = 250

const SORTS = [
  { value: 'key', label: 'Key' },
  { value: '-storedAt', label: 'Newest first' },
  { value: 'storedAt', label: 'Oldest first' },
  { value: '-size', label: 'Largest first' },
  { value: 'size', label: 'Smallest first' },
  { value: '-key', label: 'Key, from the end' },
] as const
type Sort = (typeof SORTS)[number]['value']

export function ObjectBrowser({ cacheName }: { readonly cacheName: string }) {
  const [typed, setTyped] = useState('')
  const [prefix, setPrefix] = useState('')
  const [sort, setSort] = useState<Sort>('key')
  /** What the pages up to this one began after; the first is ''. */
  const [afters, setAfters] = useState<readonly string[]>([''])
  const [isUploading, setIsUploading] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => {
      setPrefix(typed)
      setAfters([''])
    }, TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const after = afters.at(-1) ?? ''
  const query = new URLSearchParams({ limit: String(PAGE_OBJECTS), sort })
  if (prefix !== '') query.set('prefix', prefix)
  if (after !== '') query.set('after', after)
  const path = `${apiPath`/api/caches/${cacheName}/objects`}?${query.toString()}`
  const { data, error, reload } = useResource<ObjectPage>(path, {
    refreshMs: 5000,
    refreshOn: ['cache'],
  })
  return (
    <>
      <div class="list-tools">
        <TextField
          label="Keys that begin with"
          type="search"
          value={typed}
          onValue={setTyped}
          placeholder="show/playlist"
        />
        <SelectField
          label="Order"
          value={sort}
          choices={SORTS}
          onValue={(next) => {
            setSort(next)
            setAfters([''])
          }}
        />
        <button type="button" onClick={() => setIsUploading(true)}>
          Upload…
        </button>
      </div>
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {data === undefined ? (
        error === undefined && <Loading what="the objects" />
      ) : data.objects.length === 0 ? (
        <NoObjects prefix={prefix} cacheName={cacheName} isFirst={afters.length === 1} />
      ) : (
        <ObjectTable cacheName={cacheName} objects={data.objects} />
      )}
      <Pages
        pageNumber={afters.length}
        nextAfter={data?.nextAfter ?? null}
        onNext={(next) => setAfters([...afters, next])}
        onBack={() => setAfters(afters.slice(0, -1))}
      />
      {isUploading && (
        <UploadDialog
          cacheName={cacheName}
          keyPrefix={prefix}
          onClose={() => setIsUploading(false)}
          onDone={reload}
        />
      )}
    </>
  )
}

function NoObjects(props: {
  readonly prefix: string
  readonly cacheName: string
  readonly isFirst: boolean
}) {
  const { prefix, cacheName, isFirst } = props
  if (!isFirst) return <Empty title="Nothing is left on this page" icon="caches" />
  if (prefix !== '') {
    return (
      <Empty title={`No key begins with “${prefix}”`} icon="caches">
        <p>Objects go when their time to live is over.</p>
      </Empty>
    )
  }
  return (
    <Empty title="There is nothing in this cache" icon="caches">
      <p>Nothing was pushed yet, or all of it has outlived its time.</p>
      <a class="button" href={routeHref('connect', ['ffmpeg'], { cache: cacheName })}>
        Connect an encoder
      </a>
    </Empty>
  )
}

function ObjectTable(props: {
  readonly cacheName: string
  readonly objects: readonly ObjectView[]
}) {
  const nowMs = useServerNow(1000)
  return (
    <Table
      caption="Objects"
      rows={props.objects}
      rowKey={({ keyBase64Url }) => keyBase64Url}
      columns={[
        {
          title: 'Key',
          isName: true,
          cell: ({ key, keyBase64Url }) => (
            <a href={routeHref('caches', [props.cacheName, 'object'], { key: keyBase64Url })}>
              {key}
            </a>
          ),
        },
        { title: 'Kind', cell: ({ kind }) => KIND_WORDS[kind] },
        { title: 'Size', isFigure: true, cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
        {
          title: 'Stored',
          isFigure: true,
          cell: ({ storedAt }) => (
            <span title={formatDateTime(storedAt)}>{formatAgo(storedAt, nowMs)}</span>
          ),
        },
        {
          title: 'Expires in',
          isFigure: true,
          cell: ({ expiresAt }) => (
            <span title={formatDateTime(expiresAt)}>
              {formatSeconds(Math.max(0, Math.round((Date.parse(expiresAt) - nowMs) / 1000)))}
            </span>
          ),
        },
      ]}
    />
  )
}

function Pages(props: {
  readonly pageNumber: number
  readonly nextAfter: string | null
  readonly onNext: (after: string) => void
  readonly onBack: () => void
}) {
  const { pageNumber, nextAfter, onNext, onBack } = props
  if (pageNumber === 1 && nextAfter === null) return null
  return (
    <nav class="wizard-actions" aria-label="Pages of objects">
      <button type="button" disabled={pageNumber === 1} onClick={onBack}>
        Back
      </button>
      <span>Page {pageNumber}</span>
      <button
        type="button"
        disabled={nextAfter === null}
        onClick={() => nextAfter !== null && onNext(nextAfter)}
      >
        Next
      </button>
    </nav>
  )
}
