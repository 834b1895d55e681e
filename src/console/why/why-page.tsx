/** Why?: the last refused or missed requests, each with its reason and what to do. */

import { useEffect, useState } from 'preact/hooks'
import type { RecentRequest } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import type { PageProps } from '../app/pages.ts'
import { useCaches } from '../app/use-caches.ts'
import { useServerNow } from '../app/use-now.ts'
import { useLiveEvent, useResource } from '../app/use-resource.ts'
import { SelectField } from '../ui/field.tsx'
import { countOf, formatAgo, formatDateTime, formatFor } from '../ui/format-figures.ts'
import { Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { RequestEntry } from './request-entry.tsx'
import { STATUS_CHOICES, addRequest, countNews, isWanted, requestsPath } from './why-list.ts'
import type { WhyFilter } from './why-list.ts'

const REFRESH_MS = 10_000

/** `#/why`, `#/why?cache=<name>&status=404`. */
export function WhyPage({ route }: PageProps) {
  const [filter, setFilter] = useState<WhyFilter>(() => ({
    cacheName: route.query.get('cache') ?? '',
    status: (route.query.get('status') ?? '').replace(/\D/g, ''),
  }))
  const { requests, error, reload } = useRequests(filter)
  const [paused, setPaused] = useState<readonly RecentRequest[]>()
  const shown = paused ?? requests
  const newsCount = paused === undefined ? 0 : countNews(paused, requests ?? [])
  const isFiltered = filter.cacheName !== '' || filter.status !== ''
  const change = (next: WhyFilter) => {
    setPaused(undefined)
    setFilter(next)
  }
  return (
    <>
      <PageHead
        title="Why?"
        lead="The last requests for objects that were refused, or found nothing: what happened, and what to do."
        actions={
          <button
            type="button"
            aria-pressed={paused !== undefined}
            disabled={requests === undefined}
            onClick={() => setPaused(paused === undefined ? requests : undefined)}
          >
            {paused === undefined ? 'Pause' : 'Go on'}
          </button>
        }
      />
      <Filters filter={filter} onFilter={change} />
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {paused !== undefined && (
        <p class="banner banner-wait" role="status">
          {newsCount === 0
            ? 'Paused. Nothing new since then.'
            : `Paused. ${countOf(newsCount, 'request')} since then.`}
        </p>
      )}
      {shown === undefined ? (
        error === undefined && <Loading what="the requests" />
      ) : shown.length === 0 ? (
        <NoRequests isFiltered={isFiltered} onAll={() => change({ cacheName: '', status: '' })} />
      ) : (
        <Entries requests={shown} />
      )}
    </>
  )
}

/** What was loaded, and the news since then. */
function useRequests(filter: WhyFilter) {
  const path = requestsPath(filter)
  const { data, error, reload } = useResource<{ readonly requests: readonly RecentRequest[] }>(
    path,
    { refreshMs: REFRESH_MS },
  )
  const [requests, setRequests] = useState<readonly RecentRequest[]>()
  useEffect(() => setRequests(data?.requests), [data])
  useLiveEvent('request', (event) => {
    // The server's own shape: both are of one OpenAPI text.
    const request = event as RecentRequest
    if (isWanted(request, filter)) setRequests((list) => list && addRequest(list, request))
  })
  return { requests: data === undefined ? undefined : requests, error, reload }
}

function Filters(props: {
  readonly filter: WhyFilter
  readonly onFilter: (filter: WhyFilter) => void
}) {
  const { filter, onFilter } = props
  const { data } = useCaches()
  const names = data?.caches.map(({ name }) => name) ?? []
  const all =
    names.includes(filter.cacheName) || filter.cacheName === ''
      ? names
      : [...names, filter.cacheName]
  return (
    <div class="why-filters">
      <SelectField
        label="Cache"
        value={filter.cacheName}
        choices={[
          { value: '', label: 'All' },
          ...all.map((name) => ({ value: name, label: name })),
        ]}
        onValue={(cacheName) => onFilter({ ...filter, cacheName })}
      />
      <SelectField
        label="Status"
        value={filter.status}
        choices={
          STATUS_CHOICES.some(({ value }) => value === filter.status)
            ? STATUS_CHOICES
            : [...STATUS_CHOICES, { value: filter.status, label: filter.status }]
        }
        onValue={(status) => onFilter({ ...filter, status })}
      />
    </div>
  )
}

function NoRequests({
  isFiltered,
  onAll,
}: {
  readonly isFiltered: boolean
  readonly onAll: () => void
}) {
  const { server, session } = useConsole()
  const nowMs = useServerNow(1000)
  if (isFiltered) {
    return (
      <Empty title="None with this cache and status" icon="why">
        <p>Others may have been refused or missed.</p>
        <button type="button" onClick={onAll}>
          Show all
        </button>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing was refused, and nothing was missed" icon="why">
      <p>
        The server has answered every request
        {session.superUser || session.adminCaches === '*'
          ? ''
          : ' for the caches you administer'}{' '}
        with what was asked for since it started
        {server.startedAt !== undefined && (
          <span title={formatDateTime(server.startedAt)}>
            {' '}
            {formatAgo(server.startedAt, nowMs)}
          </span>
        )}
        .
      </p>
      <p>
        An encoder that sends nothing at all does not show here, nor one that talks to another
        address: look at its own log, and at the page Connect for the right one.
      </p>
    </Empty>
  )
}

function Entries({ requests }: { readonly requests: readonly RecentRequest[] }) {
  const nowMs = useServerNow(1000)
  return (
    <ul class="why-list" aria-label="Refused and missed requests, newest first">
      {requests.map((request) => (
        <RequestEntry
          key={request.id}
          request={request}
          ago={formatAgo(request.at, nowMs)}
          since={formatFor(request.firstAt, nowMs)}
        />
      ))}
    </ul>
  )
}
