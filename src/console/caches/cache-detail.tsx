/** One cache: what is in it, its objects or its settings, an end to either. */

import { useState } from 'preact/hooks'
import { apiPath } from '../api/api-client.ts'
import { ApiError } from '../api/api-error.ts'
import type { CacheView } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { useResource } from '../app/use-resource.ts'
import { countOf, formatBytes, formatCount, formatDateTime } from '../ui/format-figures.ts'
import { Icon } from '../ui/icons.tsx'
import { Empty, ErrorBanner, Facts, Loading, PageHead } from '../ui/parts.tsx'
import { CacheSettingsForm } from './cache-settings-form.tsx'
import { flushWords, needsName, usageWords } from './cache-words.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { ObjectBrowser } from './object-browser.tsx'

export interface CacheDetailProps {
  readonly name: string
  readonly part: 'objects' | 'settings'
}

export function CacheDetail({ name, part }: CacheDetailProps) {
  const { data, error, reload } = useResource<CacheView>(apiPath`/api/caches/${name}`, {
    refreshMs: 5000,
    refreshOn: ['cache'],
  })
  const isGone = error instanceof ApiError && error.statusCode === 404
  return (
    <>
      <div class="crumbs">
        <a href={routeHref('caches')}>
          <Icon name="back" />
          All caches
        </a>
      </div>
      <PageHead
        title={name}
        lead={data === undefined ? undefined : `A cache since ${formatDateTime(data.createdAt)}`}
        actions={data !== undefined && !isGone && <Ends cache={data} onChanged={reload} />}
      />
      {isGone ? (
        <Empty title="There is no such cache" icon="caches">
          <a href={routeHref('caches')}>To the caches</a>
        </Empty>
      ) : (
        <ErrorBanner error={error} onRetry={() => void reload()} />
      )}
      {data === undefined
        ? error === undefined && <Loading what="the cache" />
        : !isGone && <Detail cache={data} part={part} onChanged={reload} />}
    </>
  )
}

function Detail(props: {
  readonly cache: CacheView
  readonly part: 'objects' | 'settings'
  readonly onChanged: () => Promise<void>
}) {
  const { cache, part, onChanged } = props
  const { usage, settings } = cache
  const max = settings['sizeBytesMax']
  const limit =
    typeof max === 'number' && max > 0 ? `of ${formatBytes(max)}` : 'no limit of its own'
  return (
    <>
      <Facts
        label="In it now"
        facts={[
          { term: 'Objects', value: formatCount(usage.itemCount) },
          { term: 'Their bytes', value: formatBytes(usage.sizeBytes) },
          { term: 'Memory', value: formatBytes(usage.accountedBytes), note: limit },
          {
            term: 'Pinned',
            value: formatBytes(usage.pinnedBytes),
            note: `${countOf(usage.pinnedItemCount, 'object')} that live playlists name`,
          },
        ]}
      />
      <nav class="tabs" aria-label="Of this cache">
        {(['objects', 'settings'] as const).map((each) => (
          <a
            key={each}
            href={routeHref('caches', each === 'objects' ? [cache.name] : [cache.name, each])}
            aria-current={each === part ? 'page' : undefined}
          >
            {each === 'objects' ? 'Objects' : 'Settings'}
          </a>
        ))}
        <a href={routeHref('connect', ['ffmpeg'], { cache: cache.name })}>Connect</a>
        <a href={routeHref('why', [], { cache: cache.name })}>Why?</a>
      </nav>
      {part === 'objects' ? (
        <ObjectBrowser cacheName={cache.name} />
      ) : (
        <CacheSettingsForm cache={cache} onChanged={onChanged} />
      )}
    </>
  )
}

/** Emptying it, deleting it. */
function Ends({
  cache,
  onChanged,
}: {
  readonly cache: CacheView
  readonly onChanged: () => Promise<void>
}) {
  const { api, session, toasts } = useConsole()
  const [asked, setAsked] = useState<'flush' | 'delete'>()
  const { name, usage } = cache
  const flush = async () => {
    const { flushedCount } = await api.request<{ readonly flushedCount: number }>(
      apiPath`/api/caches/${name}/flush`,
      { method: 'POST' },
    )
    toasts.show(`${countOf(flushedCount, 'object')} of ${name} are gone.`)
    await onChanged()
  }
  const remove = async () => {
    await api.request(apiPath`/api/caches/${name}`, { method: 'DELETE' })
    toasts.show(`The cache ${name} is gone.`)
    location.hash = routeHref('caches')
  }
  return (
    <>
      <button type="button" onClick={() => setAsked('flush')}>
        Flush
      </button>
      {session.superUser && (
        <button type="button" class="danger" onClick={() => setAsked('delete')}>
          Delete
        </button>
      )}
      {asked === 'flush' && (
        <ConfirmDialog
          title={`Flush ${name}?`}
          words={[...flushWords(usage), 'The cache and its settings stay.']}
          name={needsName(usage) ? name : ''}
          action={`Flush ${usageWords(usage)}`}
          onConfirm={flush}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked === 'delete' && (
        <ConfirmDialog
          title={`Delete ${name}?`}
          words={[
            ...flushWords(usage),
            'Its settings go, too. Encoders, players and CDNs of this cache get 404 from then on.',
            ...(cache.declared ? ['The configuration declares it: a restart makes it again.'] : []),
          ]}
          name={name}
          action="Delete the cache"
          onConfirm={remove}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  )
}
