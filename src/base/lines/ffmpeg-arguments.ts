/**
 * ffmpeg's command lines for pushing HLS to the origin: one rendition, or a ladder. One builder for
 * the demo's own channel, for the lines that are printed and for those of the console, so that what
 * is shown works. Runs in browsers, too.
 */

import type { LadderRung } from './ladder.ts'

/** What ffmpeg encodes. */
export type FfmpegSource =
  /** A test pattern and a tone. `clockFontFile`: '' lets ffmpeg choose a font; absent: no clock. */
  | { readonly kind: 'pattern'; readonly clockFontFile?: string }
  /** A file, repeated for ever. Without sound of its own it gets silence. */
  | { readonly kind: 'file'; readonly path: string; readonly hasAudio: boolean }

export interface FfmpegTarget {
  readonly dataPlaneUrl: string
  readonly cacheName: string
  /** In a header: a key in the query would be published in the playlists. */
  readonly encoderKey: string
  /** Before every name: `demo/`. */
  readonly keyPrefix: string
  readonly ttlSeconds: number
}

export interface FfmpegEncoding {
  readonly framesPerSecond: number
  readonly segmentSeconds: number
  /** x264's; the printed lines use `veryfast`, the demo `ultrafast`. */
  readonly preset: string
  /** Segments between two uploads of the multivariant playlist: it must not expire. */
  readonly multivariantEverySegments: number
}

/** Arguments in groups that belong on one printed line; the target comes last. */
export type FfmpegArguments = readonly (readonly string[])[]

/**
 * Persistent connections re-send a segment whose connection closed; without `-timeout` a server
 * that stops reading would freeze ffmpeg for ever.
 */
const NETWORK = [
  '-method',
  'PUT',
  '-http_persistent',
  '1',
  '-timeout',
  '10',
  '-ignore_io_errors',
  '1',
]
const AUDIO = ['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-ar', '48000']

/** A ladder with its multivariant playlist `<prefix>playlist.m3u8`. */
export function toLadderArguments(
  ladder: readonly LadderRung[],
  source: FfmpegSource,
  encoding: FfmpegEncoding,
  target: FfmpegTarget,
): FfmpegArguments {
  const labels = ladder.map((_, index) => `[s${index}]`).join('')
  const filters = [
    `[0:v]${formatPictureFilters(source, encoding)}split=${ladder.length}${labels}`,
    ...ladder.map((rung, index) => `[s${index}]${formatScale(rung, source)}[v${index}]`),
  ]
  const audio = audioInputOf(source)
  const query = `?ttl_seconds=${target.ttlSeconds}`
  return [
    ...toInputs(source, encoding, ladder),
    ['-filter_complex', filters.join(';')],
    ladder.flatMap((_, index) => ['-map', `[v${index}]`, '-map', `${audio}:a:0`]),
    toVideoCodec(encoding),
    ladder.flatMap((rung, index) => toBitrates(rung, `:v:${index}`)),
    AUDIO,
    ...toMuxer(encoding, target),
    [
      '-master_pl_publish_rate',
      String(encoding.multivariantEverySegments),
      '-master_pl_name',
      // The query is written three times: ffmpeg carries it to no other name.
      `playlist.m3u8${query}`,
      '-var_stream_map',
      ladder.map((rung, index) => `v:${index},a:${index},name:${rung.name}`).join(' '),
    ],
    ['-hls_segment_filename', `${formatBaseUrl(target)}playlist_%v_%05d.ts${query}`],
    [`${formatBaseUrl(target)}playlist_%v.m3u8${query}`],
  ]
}

/** One rendition, whose media playlist is `<prefix>playlist.m3u8`. */
export function toSingleArguments(
  rung: LadderRung,
  source: FfmpegSource,
  encoding: FfmpegEncoding,
  target: FfmpegTarget,
): FfmpegArguments {
  const query = `?ttl_seconds=${target.ttlSeconds}`
  const filters = `${formatPictureFilters(source, encoding)}${formatScale(rung, source)}`
  return [
    ...toInputs(source, encoding, [rung]),
    ['-vf', filters, '-map', '0:v:0', '-map', `${audioInputOf(source)}:a:0`],
    [...toVideoCodec(encoding), ...toBitrates(rung, ':v')],
    AUDIO,
    ...toMuxer(encoding, target),
    ['-hls_segment_filename', `${formatBaseUrl(target)}playlist_%05d.ts${query}`],
    [`${formatBaseUrl(target)}playlist.m3u8${query}`],
  ]
}

/** One rendition in fMP4: as {@link toSingleArguments}, with an init section. */
export function toFragmentedArguments(
  rung: LadderRung,
  source: FfmpegSource,
  encoding: FfmpegEncoding,
  target: FfmpegTarget,
): FfmpegArguments {
  const query = `?ttl_seconds=${target.ttlSeconds}`
  const single = toSingleArguments(rung, source, encoding, target)
  return [
    ...single.slice(0, -2),
    // Sent once: it has to outlast the broadcast.
    [
      ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename'],
      `init.mp4?ttl_seconds=${Math.max(86_400, target.ttlSeconds)}`,
    ],
    ['-hls_segment_filename', `${formatBaseUrl(target)}playlist_%05d.m4s${query}`],
    ...single.slice(-1),
  ]
}

/**
 * What already comes encoded, pushed as it is: a relay beside an encoder that cannot push itself.
 *
 * @param input  ffmpeg's arguments that name the source.
 */
export function toRelayArguments(
  input: readonly string[],
  encoding: FfmpegEncoding,
  target: FfmpegTarget,
): FfmpegArguments {
  const query = `?ttl_seconds=${target.ttlSeconds}`
  return [
    [...input, '-c', 'copy'],
    ...toMuxer(encoding, target),
    ['-hls_segment_filename', `${formatBaseUrl(target)}playlist_%05d.ts${query}`],
    [`${formatBaseUrl(target)}playlist.m3u8${query}`],
  ]
}

function toInputs(
  source: FfmpegSource,
  encoding: FfmpegEncoding,
  ladder: readonly LadderRung[],
): FfmpegArguments {
  if (source.kind === 'pattern') {
    const top = ladder.reduce((best, rung) => (rung.heightPixels > best.heightPixels ? rung : best))
    const picture = `testsrc2=size=${top.widthPixels}x${top.heightPixels}:rate=${encoding.framesPerSecond}`
    return [
      ['-re', '-f', 'lavfi', '-i', picture],
      ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:beep_factor=2:sample_rate=48000'],
    ]
  }
  const file = ['-stream_loop', '-1', '-re', '-i', source.path]
  const silence = ['-re', '-f', 'lavfi', '-i', 'anullsrc=channel_layout=stereo:sample_rate=48000']
  return source.hasAudio ? [file] : [file, silence]
}

function audioInputOf(source: FfmpegSource): number {
  return source.kind === 'file' && source.hasAudio ? 0 : 1
}

/** Filters on the source's picture, each with its comma. */
function formatPictureFilters(source: FfmpegSource, encoding: FfmpegEncoding): string {
  if (source.kind === 'file') return `fps=${encoding.framesPerSecond},`
  return source.clockFontFile === undefined ? '' : `${formatClockFilter(source.clockFontFile)},`
}

/**
 * The burned-in clock: the encoder's wall clock, and the time since it began. Large, since the
 * smallest rendition must be readable, too.
 *
 * @param fontFile  '' lets ffmpeg ask fontconfig.
 */
export function formatClockFilter(fontFile: string): string {
  // Two levels of unescaping: the graph's (quotes) and the filter's (backslash before the colon).
  const font = fontFile === '' ? '' : `fontfile='${fontFile.replaceAll(':', '\\:')}':`
  const box = 'fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=12:fontsize=h/12:x=(w-text_w)/2'
  return (
    `drawtext=${font}text='%{localtime}':${box}:y=h*0.36,` +
    `drawtext=${font}text='%{pts\\:hms}':${box}:y=h*0.54`
  )
}

function formatScale(rung: LadderRung, source: FfmpegSource): string {
  const size = `${rung.widthPixels}:${rung.heightPixels}`
  // A file keeps its shape: bars instead of stretching.
  return source.kind === 'pattern'
    ? `scale=${size}`
    : `scale=${size}:force_original_aspect_ratio=decrease,pad=${size}:-1:-1,setsar=1`
}

function toVideoCodec(encoding: FfmpegEncoding): readonly string[] {
  const groupOfPictures = String(encoding.framesPerSecond * encoding.segmentSeconds)
  return [
    ...['-c:v', 'libx264', '-preset', encoding.preset, '-tune', 'zerolatency'],
    ...['-pix_fmt', 'yuv420p', '-g', groupOfPictures, '-keyint_min', groupOfPictures],
    ...['-sc_threshold', '0'],
  ]
}

function toBitrates(rung: LadderRung, specifier: string): readonly string[] {
  return [
    ...[`-b${specifier}`, `${rung.videoKbps}k`],
    ...[`-maxrate${specifier}`, `${Math.round(rung.videoKbps * 1.1)}k`],
    ...[`-bufsize${specifier}`, `${rung.videoKbps * 2}k`],
  ]
}

function toMuxer(encoding: FfmpegEncoding, target: FfmpegTarget): FfmpegArguments {
  return [
    // Epoch numbers: a restarted encoder must not use names again that a CDN holds.
    [
      ...['-f', 'hls', '-hls_time', String(encoding.segmentSeconds), '-hls_list_size', '6'],
      ...['-hls_flags', 'independent_segments+program_date_time'],
      ...['-hls_start_number_source', 'epoch'],
    ],
    NETWORK,
    ['-headers', `Authorization: ${target.encoderKey}\r\n`],
  ]
}

/** What the names of a channel's items begin with. Ends with a slash. */
export function formatBaseUrl(
  target: Pick<FfmpegTarget, 'dataPlaneUrl' | 'cacheName' | 'keyPrefix'>,
): string {
  const base = target.dataPlaneUrl.replace(/\/+$/, '')
  return `${base}/cache/${target.cacheName}/${target.keyPrefix}`
}
