/** The channels: what encoders write, each with its state; and one of them in detail. */

import type { ChannelView } from '../api/api-types.ts'
import type { PageProps } from '../app/pages.ts'
import { routeHref } from '../app/route.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import { formatAgo, formatCount, formatLag } from '../ui/format-figures.ts'
import { Badge, Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { ChannelDetail } from './channel-detail.tsx'
import {
  STATE_MEANINGS,
  STATE_TONES,
  STATE_WORDS,
  byUrgency,
  renditionCounts,
} from './channel-words.ts'

/** `#/channels`, `#/channels/<cache>/<key>`. */
export function ChannelsPage({ route }: PageProps) {
  const [cacheName = '', ...key] = route.rest
  if (key.length > 0) {
    const itemKey = key.join('/')
    return <ChannelDetail key={`${cacheName}/${itemKey}`} cacheName={cacheName} itemKey={itemKey} />
  }
  return <ChannelList />
}

function ChannelList() {
  const { data, error, reload } = useResource<{ readonly channels: readonly ChannelView[] }>(
    '/api/channels',
    { refreshMs: 2000, refreshOn: ['channel'] },
  )
  return (
    <>
      <PageHead
        title="Channels"
        lead="A channel is a playlist that an encoder writes, with all it names. The ones in trouble come first."
      />
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {data === undefined ? (
        error === undefined && <Loading what="the channels" />
      ) : data.channels.length === 0 ? (
        <NoChannels />
      ) : (
        <ChannelTable channels={byUrgency(data.channels)} />
      )}
    </>
  )
}

function NoChannels() {
  return (
    <Empty title="No channel yet" icon="channels">
      <p>
        No encoder has written an HLS playlist since the server started. A channel appears here with
        its first playlist, whatever its cache and its key.
      </p>
      <p>
        Does the encoder run? What it sends may be refused: ffmpeg, for one, does not say so. The
        server’s terminal and log name every refused upload with its cause.
      </p>
    </Empty>
  )
}

function ChannelTable({ channels }: { readonly channels: readonly ChannelView[] }) {
  const nowMs = useServerNow(1000)
  return (
    <Table
      caption="Channels, the ones in trouble first"
      rows={channels}
      rowKey={(channel) => `${channel.cacheName}/${channel.key}`}
      columns={[
        {
          title: 'Channel',
          isName: true,
          cell: (channel) => (
            <>
              <a href={routeHref('channels', [channel.cacheName, channel.key])}>{channel.key}</a>
              <small>in {channel.cacheName}</small>
            </>
          ),
        },
        {
          title: 'State',
          cell: (channel) => (
            <>
              <Badge tone={STATE_TONES[channel.state]}>{STATE_WORDS[channel.state]}</Badge>
              {channel.state !== 'live' && (
                <small>{channel.stateDetail || STATE_MEANINGS[channel.state]}</small>
              )}
            </>
          ),
        },
        { title: 'Playlists', cell: (channel) => renditionCounts(channel.renditions) },
        {
          title: 'Behind live',
          isFigure: true,
          cell: (channel) => formatLag(channel.edgeLagSeconds),
        },
        {
          title: 'Last write',
          isFigure: true,
          cell: (channel) => formatAgo(channel.lastWriteAt, nowMs),
        },
        {
          title: 'Missing',
          isFigure: true,
          cell: (channel) => <Count value={channel.missingSegmentCount} />,
        },
        {
          title: 'Findings',
          isFigure: true,
          cell: (channel) => <Count value={channel.findingCount ?? 0} />,
        },
      ]}
    />
  )
}

/** Nothing to worry about is quiet. */
function Count({ value }: { readonly value: number }) {
  return value === 0 ? <span class="quiet">0</span> : <b>{formatCount(value)}</b>
}
