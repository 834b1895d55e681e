/** Caches: the list, and one of them with its objects and settings. */

import { useState } from 'preact/hooks'
import type { CacheView } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import type { PageProps } from '../app/pages.ts'
import { routeHref } from '../app/route.ts'
import { useAction } from '../app/use-action.ts'
import { useCaches } from '../app/use-caches.ts'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { formatBytes, formatCount } from '../ui/format-figures.ts'
import { Badge, Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { CacheDetail } from './cache-detail.tsx'
import { checkCacheName } from './cache-words.ts'
import { ObjectDetail } from './object-detail.tsx'

/** `#/caches`, `#/caches/<name>`, `#/caches/<name>/settings`, `#/caches/<name>/object?key=<base64url>`. */
export function CachesPage({ route }: PageProps) {
  const [name = '', part = ''] = route.rest
  if (name === '') return <CacheList />
  if (part === 'object') {
    const key = route.query.get('key') ?? ''
    return <ObjectDetail key={`${name} ${key}`} cacheName={name} keyBase64Url={key} />
  }
  return <CacheDetail key={name} name={name} part={part === 'settings' ? 'settings' : 'objects'} />
}

function CacheList() {
  const { session } = useConsole()
  const { data, error, reload } = useCaches(5000)
  const [isCreating, setIsCreating] = useState(false)
  const create = session.superUser && (
    <button type="button" class="primary" onClick={() => setIsCreating(true)}>
      Create a cache
    </button>
  )
  return (
    <>
      <PageHead
        title="Caches"
        lead="A cache is a set of objects with settings of its own: /cache/<name>/<key> on the data plane."
        actions={create}
      />
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {data === undefined ? (
        error === undefined && <Loading what="the caches" />
      ) : data.caches.length === 0 ? (
        <Empty title="No cache" icon="caches">
          <p>
            {session.superUser
              ? 'Objects are stored in caches: create one first.'
              : 'The key you signed in with administers none that exists.'}
          </p>
        </Empty>
      ) : (
        <CacheTable caches={data.caches} />
      )}
      {isCreating && <CreateDialog onClose={() => setIsCreating(false)} />}
    </>
  )
}

function CacheTable({ caches }: { readonly caches: readonly CacheView[] }) {
  return (
    <Table
      caption="Caches"
      rows={caches}
      rowKey={({ name }) => name}
      columns={[
        {
          title: 'Cache',
          isName: true,
          cell: ({ name, declared }) => (
            <>
              <a href={routeHref('caches', [name])}>{name}</a>
              {declared && <small>declared in the configuration</small>}
            </>
          ),
        },
        {
          title: 'Live',
          cell: ({ usage }) =>
            usage.pinnedItemCount > 0 ? (
              <Badge tone="good">Live</Badge>
            ) : (
              <span class="quiet">no</span>
            ),
        },
        { title: 'Objects', isFigure: true, cell: ({ usage }) => formatCount(usage.itemCount) },
        { title: 'Bytes', isFigure: true, cell: ({ usage }) => formatBytes(usage.sizeBytes) },
        {
          title: 'Limit',
          isFigure: true,
          cell: ({ settings }) => {
            const max = settings['sizeBytesMax']
            return typeof max === 'number' && max > 0 ? formatBytes(max) : 'the store’s'
          },
        },
        {
          title: 'Own settings',
          isFigure: true,
          cell: ({ overrides }) => formatCount(Object.keys(overrides).length),
        },
      ]}
    />
  )
}

function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const { api, toasts } = useConsole()
  const [name, setName] = useState('')
  const problem = name === '' ? '' : checkCacheName(name)
  const create = useAction(async () => {
    await api.request('/api/caches', { method: 'POST', body: { name } })
    toasts.show(`The cache ${name} is there.`)
    onClose()
    location.hash = routeHref('caches', [name, 'settings'])
  })
  return (
    <Dialog title="Create a cache" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          if (checkCacheName(name) === '') void create.run()
        }}
      >
        <TextField
          label="Name"
          value={name}
          onValue={setName}
          error={problem}
          isRequired
          hint="Part of every address in it. Its settings begin with the defaults."
        />
        <ErrorBanner error={create.error} />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={create.isRunning}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  )
}
