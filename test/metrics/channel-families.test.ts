import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { CHANNEL_FAMILIES } from '../../src/metrics/families/channel-families.ts'
import { PlaylistReads } from '../../src/metrics/playlist-reads.ts'
import { takeScrape } from '../../src/metrics/sources.ts'
import type { MetricSources } from '../../src/metrics/sources.ts'
import { formatMetrics } from '../../src/metrics/text.ts'
import type { ChannelView, RenditionView } from '../../src/origin/channel-view.ts'
import { cacheName, itemKey } from '../origin/support.ts'
import { departures, readMetrics } from './metrics-text.ts'

const NOW_MS = 1_000_000

const rendition = (key: string, fields: Partial<RenditionView> = {}): RenditionView => ({
  key: itemKey(key),
  role: 'variant',
  bandwidthBitsPerSecond: undefined,
  widthPixels: undefined,
  heightPixels: undefined,
  codecs: undefined,
  name: undefined,
  state: 'live',
  targetDurationSeconds: 4,
  segmentCount: 5,
  lastMediaSequenceNumber: 12,
  edgeProgramDateTimeMs: undefined,
  edgeLagSeconds: 3.5,
  publishDelaySeconds: -0.25,
  missingSegmentCount: 0,
  skewSeconds: 0,
  lastWriteAtMs: NOW_MS - 2500,
  recentSegments: [],
  ...fields,
})

const channel = (key: string, fields: Partial<ChannelView> = {}): ChannelView => ({
  cacheName: cacheName('live'),
  key: itemKey(key),
  state: 'live',
  stateSinceMs: 0,
  stateDetail: '',
  targetDurationSeconds: 4,
  lastWriteAtMs: NOW_MS - 1500,
  edgeLagSeconds: 4.5,
  publishDelaySeconds: 0.5,
  missingSegmentCount: 2,
  skewSeconds: 1,
  renditions: [rendition(`${key}/v0.m3u8`)],
  findings: [],
  ...fields,
})

function textOf(channels: readonly ChannelView[], channelsMax = 10) {
  const playlistReads = new PlaylistReads(10)
  playlistReads.observe(toStoreKey(cacheName('live'), itemKey('a/v0.m3u8')), 1.5)
  playlistReads.observe(toStoreKey(cacheName('live'), itemKey('gone.m3u8')), 1)
  // Families of channels look at nothing else.
  const sources = {
    channels: { list: () => channels },
    channelsMax,
    playlistReads,
    nowMs: () => NOW_MS,
    auth: () => ({}),
  } as unknown as MetricSources
  return { text: formatMetrics(CHANNEL_FAMILIES, takeScrape(sources)), playlistReads }
}

t.test('each channel and rendition has its series', async (t) => {
  const { text, playlistReads } = textOf([
    channel('a', { renditions: [rendition('a/v0.m3u8'), rendition('a/v1.m3u8')] }),
  ])
  for (const line of [
    'headwater_channels 1',
    'headwater_channel_state{cache="live",channel="a",state="live"} 1',
    'headwater_channel_state{cache="live",channel="a",state="stale"} 0',
    'headwater_channel_edge_lag_seconds{cache="live",channel="a"} 4.5',
    'headwater_channel_publish_delay_seconds{cache="live",channel="a"} 0.5',
    'headwater_channel_missing_segments{cache="live",channel="a"} 2',
    'headwater_channel_last_write_age_seconds{cache="live",channel="a"} 1.5',
    'headwater_channel_target_duration_seconds{cache="live",channel="a"} 4',
    'headwater_rendition_edge_lag_seconds{cache="live",channel="a",rendition="a/v1.m3u8"} 3.5',
    'headwater_rendition_publish_delay_seconds{cache="live",channel="a",rendition="a/v0.m3u8"} -0.25',
    'headwater_rendition_last_write_age_seconds{cache="live",channel="a",rendition="a/v0.m3u8"} 2.5',
    'headwater_rendition_age_at_read_seconds_sum{cache="live",channel="a",rendition="a/v0.m3u8"} 1.5',
    'headwater_rendition_age_at_read_seconds_count{cache="live",channel="a",rendition="a/v1.m3u8"} 0',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  t.same(departures(readMetrics(text)), [])
  t.equal(playlistReads.size, 1, 'reads of what is no rendition are forgotten')
})

t.test('what is not known has no series; what was never written has no age', async (t) => {
  const { text } = textOf([
    channel('a', {
      edgeLagSeconds: undefined,
      publishDelaySeconds: undefined,
      renditions: [
        rendition('w.m3u8', { state: 'waiting', edgeLagSeconds: undefined, lastWriteAtMs: 0 }),
      ],
    }),
  ])
  t.notMatch(text, /^headwater_(channel|rendition)_edge_lag_seconds\{/m)
  t.notMatch(text, /^headwater_channel_publish_delay_seconds\{/m)
  t.notMatch(text, /^headwater_rendition_last_write_age_seconds\{/m)
  t.match(text, /rendition_state\{[^}]*state="waiting"\} 1/)
})

t.test('channels over the bound are counted; those that have ended go first', async (t) => {
  const { text } = textOf(
    [channel('a', { state: 'ended' }), channel('b', { state: 'stale' }), channel('c')],
    2,
  )
  t.match(text, /^headwater_channels 2$/m)
  t.match(text, /^headwater_channels_left_out 1$/m)
  t.notMatch(text, /channel="a"/)
  t.match(text, /channel="b"/)
  t.match(textOf([channel('a')], 0).text, /^headwater_channels_left_out 1$/m)
  t.match(textOf([channel('a'), channel('b')], 2).text, /^headwater_channels_left_out 0$/m)
})

t.test('renditions of a channel are bounded', async (t) => {
  const renditions = Array.from({ length: 40 }, (_, index) => rendition(`v${index}.m3u8`))
  const { text } = textOf([channel('a', { renditions })])
  t.equal(text.match(/^headwater_rendition_edge_lag_seconds\{/gm)?.length, 32)
})

t.test(
  'a key that looks like a credential is not shown; labels that agree are one series',
  async (t) => {
    const { text } = textOf([
      channel('a?token=eyJhbGciOiJIUzI1NiJ9.secret', { renditions: [] }),
      channel('a?token=eyJhbGciOiJIUzI1NiJ9.other', { renditions: [] }),
    ])
    t.notMatch(text, /eyJ|\.secret|\.other/)
    t.equal(text.match(/^headwater_channel_missing_segments\{/gm)?.length, 1)
    t.match(text, /^headwater_channels_left_out 1$/m)
  },
)
