/** The media playlists of a channel, one a row. */

import type { ChannelView, RenditionView } from '../api/api-types.ts'
import { useServerNow } from '../app/use-now.ts'
import { UNKNOWN, formatAgo, formatCount, formatLag } from '../ui/format-figures.ts'
import { Badge, Empty } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { STATE_MEANINGS, STATE_TONES, STATE_WORDS, renditionTitle } from './channel-words.ts'

export function Renditions({ channel }: { readonly channel: ChannelView }) {
  const nowMs = useServerNow(1000)
  if (channel.renditions.length === 0) {
    return (
      <Empty title="It names no media playlist">
        <p>A multivariant playlist without variants: players have nothing to load.</p>
      </Empty>
    )
  }
  return (
    <Table
      caption="Media playlists of the channel"
      rows={channel.renditions}
      rowKey={(rendition) => `${rendition.role} ${rendition.key}`}
      columns={[
        {
          title: 'Playlist',
          isName: true,
          cell: (rendition) => (
            <>
              {renditionTitle(rendition)}
              <small>{describe(rendition)}</small>
            </>
          ),
        },
        {
          title: 'State',
          cell: ({ state }) => (
            <span title={STATE_MEANINGS[state]}>
              <Badge tone={STATE_TONES[state]}>{STATE_WORDS[state]}</Badge>
            </span>
          ),
        },
        figure('Segments', ({ segmentCount }) => formatCount(segmentCount)),
        figure('Newest', ({ lastMediaSequenceNumber }) =>
          lastMediaSequenceNumber === null ? UNKNOWN : `#${lastMediaSequenceNumber}`,
        ),
        figure('Behind live', ({ edgeLagSeconds }) => formatLag(edgeLagSeconds)),
        figure('Delay', ({ publishDelaySeconds }) => formatLag(publishDelaySeconds)),
        figure('Behind the first', ({ skewSeconds }) => formatLag(skewSeconds)),
        figure('Missing', ({ missingSegmentCount }) => formatCount(missingSegmentCount)),
        figure('Last write', ({ lastWriteAt }) => formatAgo(lastWriteAt, nowMs)),
      ]}
    />
  )
}

function figure(title: string, cell: (rendition: RenditionView) => string) {
  return { title, isFigure: true, cell }
}

/** The key, and what there is of the picture and the codecs. */
function describe(rendition: RenditionView): string {
  const { key, codecs, widthPixels, heightPixels } = rendition
  const size = widthPixels !== null && heightPixels !== null ? `${widthPixels}×${heightPixels}` : ''
  return [key, size, codecs ?? ''].filter((part) => part !== '').join(' · ')
}
