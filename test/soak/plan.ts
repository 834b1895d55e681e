/** What runs during a soak: the channels and the commands of their encoders. No process, no clock. */

export const SEGMENT_SECONDS = 2
const WINDOW_SEGMENTS = 6
/** Short: memory is level after a minute, and every byte that stays longer shows. */
const TTL_SECONDS = 60

export interface Channel {
  readonly name: string
  readonly cacheName: string
  /** What a player opens. */
  readonly entry: string
  readonly mediaPlaylists: readonly string[]
  /** Stale guard on: readers may get 404 `stale` while there is no encoder, and at no other time. */
  readonly isGuarded: boolean
  /** ffmpeg's output options. `seconds`: it ends by itself, with `EXT-X-ENDLIST`. */
  encoder(target: EncoderTarget): readonly string[]
}

export interface EncoderTarget {
  readonly dataPlaneUrl: string
  readonly apiKey: string
  readonly seconds: number
}

const ENCODE = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '64k'],
]
const HLS = [
  ...['-f', 'hls', '-hls_time', String(SEGMENT_SECONDS)],
  ...['-hls_list_size', String(WINDOW_SEGMENTS), '-method', 'PUT'],
]

const RUNGS = ['180p', '120p', '90p'] as const

/**
 * Three renditions by the README's command: numbers that begin with the time, one connection for each
 * rendition, the multivariant playlist written again now and then.
 */
const ladder: Channel = {
  name: 'ladder',
  cacheName: 'live-origin',
  entry: 'playlist.m3u8',
  mediaPlaylists: RUNGS.map((rung) => `playlist_${rung}.m3u8`),
  isGuarded: false,
  encoder: ({ dataPlaneUrl, apiKey, seconds }) => {
    const base = `${dataPlaneUrl}/cache/live-origin`
    const query = `ttl_seconds=${String(TTL_SECONDS)}`
    return [
      '-filter_complex',
      '[0:v]fps=15,split=3[a][b][c];[a]scale=320:180[v0];[b]scale=214:120[v1];[c]scale=160:90[v2]',
      ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a', '-map', '[v2]'],
      ...['-map', '1:a', ...ENCODE, '-b:v:0', '300k', '-b:v:1', '150k', '-b:v:2', '80k'],
      ...['-t', String(seconds), ...HLS, '-hls_flags', 'independent_segments'],
      ...['-hls_start_number_source', 'epoch', '-http_persistent', '1', '-timeout', '10'],
      ...['-ignore_io_errors', '1', '-headers', `Authorization: ${apiKey}\r\n`],
      ...['-master_pl_publish_rate', '15', '-master_pl_name', `playlist.m3u8?${query}`],
      ...['-var_stream_map', RUNGS.map((rung, i) => `v:${i},a:${i},name:${rung}`).join(' ')],
      ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?${query}`],
      `${base}/playlist_%v.m3u8?${query}`,
    ]
  },
}

/**
 * fMP4 as ffmpeg writes it when nothing is said: a connection for each object, and numbers from 0
 * again after a restart, so that names are used twice. Its key is in every URL.
 */
const single: Channel = {
  name: 'single',
  cacheName: 'guarded',
  entry: 'live.m3u8',
  mediaPlaylists: ['live.m3u8'],
  isGuarded: true,
  encoder: ({ dataPlaneUrl, apiKey, seconds }) => {
    const base = `${dataPlaneUrl}/cache/guarded`
    const query = `token=${apiKey}&ttl_seconds=${String(TTL_SECONDS)}`
    return [
      ...['-vf', 'fps=15,scale=214:120', ...ENCODE, '-b:v', '150k', '-t', String(seconds), ...HLS],
      ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `init.mp4?${query}`],
      ...['-hls_segment_filename', `${base}/live_%05d.m4s?${query}`, `${base}/live.m3u8?${query}`],
    ]
  },
}

export const CHANNELS: readonly Channel[] = [ladder, single]

/**
 * Objects that may be pinned at once: the window of each rendition, what the next upload adds, and
 * those that are written once. A restart pins the old window and the new one side by side until the
 * next playlist, with one more of each for an upload in between.
 */
export const PINNED_ITEMS_MAX = CHANNELS.reduce(
  (sum, { mediaPlaylists }) => sum + mediaPlaylists.length * (2 * (WINDOW_SEGMENTS + 1) + 1) + 2,
  0,
)

/** What every restart has to show. */
export const RESTART_RULE = 'encoder-restarted'

/** Findings that a restarted encoder rightly causes; everything else is a false alarm. */
export const RESTART_RULES: ReadonlySet<string> = new Set([
  RESTART_RULE,
  // Only while segments of the run before are still stored: in runs of few minutes.
  'segment-name-reused',
])
