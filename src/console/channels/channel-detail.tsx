/** One channel: its player, its segments against the time they were due, its playlists, its findings. */

import { apiPath } from '../api/api-client.ts'
import { ApiError } from '../api/api-error.ts'
import type { ChannelView } from '../api/api-types.ts'
import { routeHref } from '../app/route.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import {
  formatAgo,
  formatCount,
  formatDateTime,
  formatFor,
  formatLag,
  formatSeconds,
} from '../ui/format-figures.ts'
import { Icon } from '../ui/icons.tsx'
import { Badge, Card, Empty, ErrorBanner, Facts, Loading, PageHead } from '../ui/parts.tsx'
import type { Fact } from '../ui/parts.tsx'
import { STATE_MEANINGS, STATE_TONES, STATE_WORDS } from './channel-words.ts'
import { Findings } from './findings.tsx'
import { LazyPlayer } from './lazy-player.tsx'
import { PublishTimeline } from './publish-timeline.tsx'
import { Renditions } from './renditions.tsx'

const REFRESH_MS = 1500

export interface ChannelDetailProps {
  readonly cacheName: string
  readonly itemKey: string
}

export function ChannelDetail({ cacheName, itemKey }: ChannelDetailProps) {
  const { data, error } = useResource<ChannelView>(apiPath`/api/channels/${cacheName}/${itemKey}`, {
    refreshMs: REFRESH_MS,
    refreshOn: ['channel', 'finding'],
  })
  const isGone = error instanceof ApiError && error.statusCode === 404
  return (
    <>
      <div class="crumbs">
        <a href={routeHref('channels')}>
          <Icon name="back" />
          All channels
        </a>
      </div>
      <PageHead
        title={itemKey}
        lead={
          <>
            in <code>{cacheName}</code>
          </>
        }
      />
      {isGone ? (
        <Empty title="There is no such channel" icon="channels">
          <p>
            No encoder writes this playlist, or it ended and its time to live is over. It appears
            here by itself with the next upload.
          </p>
        </Empty>
      ) : (
        <ErrorBanner error={error} />
      )}
      {data === undefined
        ? error === undefined && <Loading what="the channel" />
        : !isGone && <Detail channel={data} />}
    </>
  )
}

function Detail({ channel }: { readonly channel: ChannelView }) {
  const findings = channel.findings ?? []
  return (
    <>
      <State channel={channel} />
      <div class="channel-top">
        <LazyPlayer cacheName={channel.cacheName} itemKey={channel.key} />
        <Card title="Uploads against the time they were due">
          <PublishTimeline channel={channel} />
        </Card>
      </div>
      <Card title="Playlists">
        <Renditions channel={channel} />
      </Card>
      <Card
        title="Findings"
        aside={<span class="quiet">what the validator sees at each upload</span>}
      >
        <Findings findings={findings} />
      </Card>
    </>
  )
}

function State({ channel }: { readonly channel: ChannelView }) {
  const nowMs = useServerNow(1000)
  const { state, stateDetail } = channel
  const missing: Fact =
    channel.missingSegmentCount === 0
      ? { term: 'Missing segments', value: '0' }
      : {
          term: 'Missing segments',
          value: formatCount(channel.missingSegmentCount),
          note: 'named by a playlist, not stored',
          tone: 'bad',
        }
  return (
    <>
      <div class="channel-state">
        <Badge tone={STATE_TONES[state]}>{STATE_WORDS[state]}</Badge>
        <p>
          {stateDetail || STATE_MEANINGS[state]}{' '}
          <span class="quiet" title={formatDateTime(channel.stateSinceAt)}>
            For {formatFor(channel.stateSinceAt, nowMs)}.
          </span>
        </p>
      </div>
      <Facts
        label="The channel now"
        facts={[
          {
            term: 'Behind live',
            value: formatLag(channel.edgeLagSeconds),
            note: 'now minus its newest media',
          },
          {
            term: 'Publish delay',
            value: formatLag(channel.publishDelaySeconds),
            note: 'newest upload against its due time',
          },
          {
            term: 'Last write',
            value: formatAgo(channel.lastWriteAt, nowMs),
            note: `one each ${formatSeconds(channel.targetDurationSeconds)} at least`,
          },
          missing,
          {
            term: 'Playlists apart',
            value: formatLag(channel.skewSeconds),
            note: 'the last behind the first',
          },
        ]}
      />
    </>
  )
}
