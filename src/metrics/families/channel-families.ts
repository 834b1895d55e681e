/** Metrics of live channels and their renditions: the first `metrics.channelsMax` of them. */

import type { ChannelView } from '../../origin/channel-view.ts'
import { gauge } from '../scalar-family.ts'
import type { LabelledRendition, Scrape } from '../sources.ts'
import type { Family, Labels, Sample } from '../text.ts'

const CHANNEL_STATES = ['live', 'stale', 'ended', 'broken'] as const
const RENDITION_STATES = [...CHANNEL_STATES, 'waiting'] as const
const CHANNEL_LABELS = {
  cache: 'caches with a channel',
  channel: 'key of the multivariant playlist, or of a media playlist that has none',
}
const RENDITION_LABELS = {
  ...CHANNEL_LABELS,
  rendition: 'key of the media playlist',
}
const EDGE_LAG_ADVICE =
  'Now minus the live edge: by program date-time, else since the last write. It swings by a target duration; **alert when it grows beyond**.'
const PUBLISH_DELAY_ADVICE =
  'Above 0 the encoder does not keep pace, or its way here is too slow. Negative is early.'

export const CHANNEL_FAMILIES: readonly Family<Scrape>[] = [
  gauge('headwater_channels', 'Channels with series of their own below.', {
    read: ({ channels }) => channels.length,
  }),
  gauge('headwater_channels_left_out', 'Channels without, over metrics.channelsMax.', {
    advice: 'Those that have ended are left out first.',
    read: ({ channelsLeftOutCount }) => channelsLeftOutCount,
  }),
  ofChannels('headwater_channel_state', '1 for the state that the channel is in, 0 for others.', {
    advice:
      '`live`; `stale`: nothing was written for too long; `ended`; `broken`: its playlists name what cannot be had.',
    labels: { state: CHANNEL_STATES },
    read: ({ state }) => CHANNEL_STATES.map((each) => stateSample(each, state)),
  }),
  ofChannels('headwater_channel_edge_lag_seconds', 'Live edge behind now, worst rendition.', {
    advice: EDGE_LAG_ADVICE,
    read: ({ edgeLagSeconds }) => valueOf(edgeLagSeconds),
  }),
  ofChannels(
    'headwater_channel_publish_delay_seconds',
    'Newest segment after the time it was due, worst rendition.',
    {
      advice: PUBLISH_DELAY_ADVICE,
      read: ({ publishDelaySeconds }) => valueOf(publishDelaySeconds),
    },
  ),
  ofChannels('headwater_channel_missing_segments', 'Segments that are named, due and not there.', {
    advice: '**Alert on it**: each is a stall for every player.',
    read: ({ missingSegmentCount }) => [{ value: missingSegmentCount }],
  }),
  ofChannels('headwater_channel_skew_seconds', 'Renditions apart from each other.', {
    read: ({ skewSeconds }) => [{ value: skewSeconds }],
  }),
  ofChannels('headwater_channel_last_write_age_seconds', 'Since a playlist was written.', {
    read: ({ lastWriteAtMs }, { nowMs }) => [{ value: ageSeconds(lastWriteAtMs, nowMs()) }],
  }),
  ofChannels('headwater_channel_target_duration_seconds', 'Target duration of the channel.', {
    advice: 'To compare the others with.',
    read: ({ targetDurationSeconds }) => [{ value: targetDurationSeconds }],
  }),
  ofRenditions('headwater_rendition_state', '1 for the state of the rendition, 0 for others.', {
    advice: '`waiting`: named, but never written.',
    labels: { state: RENDITION_STATES },
    read: ({ view }) => RENDITION_STATES.map((each) => stateSample(each, view.state)),
  }),
  ofRenditions('headwater_rendition_edge_lag_seconds', 'Live edge behind now.', {
    advice: EDGE_LAG_ADVICE,
    read: ({ view }) => valueOf(view.edgeLagSeconds),
  }),
  ofRenditions('headwater_rendition_publish_delay_seconds', 'Newest segment after it was due.', {
    advice: PUBLISH_DELAY_ADVICE,
    read: ({ view }) => valueOf(view.publishDelaySeconds),
  }),
  ofRenditions('headwater_rendition_missing_segments', 'Segments that are due and not there.', {
    read: ({ view }) => [{ value: view.missingSegmentCount }],
  }),
  ofRenditions('headwater_rendition_last_write_age_seconds', 'Since the playlist was written.', {
    read: ({ view }, { nowMs }) =>
      view.state === 'waiting' ? [] : [{ value: ageSeconds(view.lastWriteAtMs, nowMs()) }],
  }),
  ofRenditions('headwater_rendition_age_at_read_seconds', 'Age of the playlist when it was read.', {
    type: 'summary',
    advice: 'Sum divided by count is the mean. Grows when a CDN keeps it too long.',
    read: ({ storeKey }, { playlistReads }) => {
      const reads = playlistReads.get(storeKey)
      return [{ sum: reads?.ageSecondsSum ?? 0, count: reads?.count ?? 0 }]
    },
  }),
]

function ofChannels(
  name: string,
  help: string,
  family: {
    readonly advice?: string
    readonly labels?: Family<Scrape>['labels']
    readonly read: (channel: ChannelView, scrape: Scrape) => readonly Sample[]
  },
): Family<Scrape> {
  return {
    ...{ name, help, type: 'gauge', ...family },
    labels: { ...CHANNEL_LABELS, ...family.labels },
    read: function* (scrape) {
      for (const { view, labels } of scrape.channels) {
        yield* withLabels(labels, family.read(view, scrape))
      }
    },
  }
}

function ofRenditions(
  name: string,
  help: string,
  family: {
    readonly type?: 'summary'
    readonly advice?: string
    readonly labels?: Family<Scrape>['labels']
    readonly read: (rendition: LabelledRendition, scrape: Scrape) => readonly Sample[]
  },
): Family<Scrape> {
  return {
    ...{ name, help, type: 'gauge', ...family },
    labels: { ...RENDITION_LABELS, ...family.labels },
    read: function* (scrape) {
      for (const { renditions } of scrape.channels) {
        for (const rendition of renditions) {
          yield* withLabels(rendition.labels, family.read(rendition, scrape))
        }
      }
    },
  }
}

function* withLabels(labels: Labels, samples: readonly Sample[]): Iterable<Sample> {
  for (const sample of samples) yield { ...sample, labels: { ...labels, ...sample.labels } }
}

function stateSample(each: string, state: string): Sample {
  return { labels: { state: each }, value: each === state ? 1 : 0 }
}

/** No series while there is no value: 0 would say that all is well. */
function valueOf(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }]
}

function ageSeconds(atMs: number, nowMs: number): number {
  return Math.max(0, nowMs - atMs) / 1000
}
