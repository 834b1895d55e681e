/** How many channels are live, and which are not. */

import type { ChannelView } from '../api/api-types.ts'
import { routeHref } from '../app/route.ts'
import { useResource } from '../app/use-resource.ts'
import { STATE_TONES, STATE_WORDS, byUrgency, countByState } from '../channels/channel-words.ts'
import { Badge, Card, ErrorBanner, Loading } from '../ui/parts.tsx'

/** More are on the page of the channels. */
const TROUBLES_MAX = 4

export function ChannelSummary() {
  const { data, error } = useResource<{ readonly channels: readonly ChannelView[] }>(
    '/api/channels',
    { refreshMs: 5000, refreshOn: ['channel'] },
  )
  const channels = data?.channels
  return (
    <Card title="Channels" aside={<a href={routeHref('channels')}>All channels</a>}>
      <ErrorBanner error={error} />
      {channels === undefined ? (
        error === undefined && <Loading what="the channels" />
      ) : (
        <Summary channels={channels} />
      )}
    </Card>
  )
}

function Summary({ channels }: { readonly channels: readonly ChannelView[] }) {
  if (channels.length === 0) {
    return (
      <p class="quiet">
        None yet: no encoder has written an HLS playlist since the server started.
      </p>
    )
  }
  const troubled = byUrgency(channels).filter(
    ({ state }) => state === 'broken' || state === 'stale',
  )
  return (
    <>
      <ul class="state-counts">
        {countByState(channels)
          .filter(({ state, count }) => count > 0 || state === 'live')
          .map(({ state, count }) => (
            <li key={state}>
              <Badge tone={count === 0 ? 'quiet' : STATE_TONES[state]}>
                {count} {STATE_WORDS[state].toLowerCase()}
              </Badge>
            </li>
          ))}
      </ul>
      {troubled.length > 0 && (
        <ul class="troubles">
          {troubled.slice(0, TROUBLES_MAX).map((channel) => (
            <li key={`${channel.cacheName}/${channel.key}`}>
              <Badge tone={STATE_TONES[channel.state]}>{STATE_WORDS[channel.state]}</Badge>
              <span>
                <a href={routeHref('channels', [channel.cacheName, channel.key])}>
                  {channel.cacheName}/{channel.key}
                </a>{' '}
                <span class="quiet">{channel.stateDetail}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
