/** How encoders push: ffmpeg, OBS, MediaLive, Shaka Packager. docs/encoders.md has the reasons. Pure. */

import { formatBaseUrl, toRelayArguments } from '../../base/lines/ffmpeg-arguments.ts'
import {
  LINE_ENCODING,
  formatCommand,
  formatFfmpegCommand,
  wrapCommand,
} from '../../base/lines/ffmpeg-command.ts'
import {
  MEDIALIVE_USER,
  formatAkamaiUrl,
  formatBasicPutUrl,
  isLocalUrl,
} from '../../base/lines/medialive.ts'
import { TTL_SECONDS, playlistUrl, toUrlKey } from './connect-target.ts'
import type { ConnectTarget } from './connect-target.ts'
import type { Recipe, RecipePart } from './recipe.ts'

const SHELL_NAMES = { bash: 'bash, zsh', powershell: 'PowerShell', cmd: 'cmd' } as const

/** Lines are broken between two options at about this width. */
const LINE_COLUMNS = 100

export function ffmpegRecipe(target: ConnectTarget): Recipe {
  const line = (title: string, variant: 'single' | 'ladder' | 'fmp4'): RecipePart => ({
    kind: 'lines',
    title: `${title} (${SHELL_NAMES[target.shell]})`,
    text: wrapCommand(
      formatFfmpegCommand({ ...target, variant, ttlSeconds: TTL_SECONDS }),
      target.shell,
      LINE_COLUMNS,
    ),
  })
  return {
    name: 'ffmpeg',
    title: 'ffmpeg',
    parts: [
      {
        kind: 'words',
        text: 'Each line pushes a test pattern with a tone: put your own input in place of the two “-i”. The key is in a header, since ffmpeg would copy it from the URL into the playlist.',
      },
      ...(target.shell === 'cmd' ? [CMD_WORDS] : []),
      line('One rendition', 'single'),
      line('A ladder of three, with its multivariant playlist', 'ladder'),
      line('One rendition in fMP4', 'fmp4'),
      {
        kind: 'words',
        text: 'ffmpeg ignores what the origin answers and exits with 0. When nothing arrives, look at Why?.',
      },
    ],
  }
}

const CMD_WORDS: RecipePart = {
  kind: 'words',
  text: 'For the prompt, not for a batch file: there every % is written twice.',
}

export function obsRecipe(target: ConnectTarget): Recipe {
  const input = ['-listen', '1', '-i', 'rtmp://127.0.0.1:1935/live/obs']
  const relay = toRelayArguments(input, LINE_ENCODING, { ...target, ttlSeconds: TTL_SECONDS })
  return {
    name: 'obs',
    title: 'OBS Studio',
    parts: [
      {
        kind: 'words',
        text: 'OBS has no field for a header. A relay beside it keeps the key out of the playlist: OBS streams to ffmpeg, ffmpeg pushes without encoding again. Start the relay first; it ends when OBS stops.',
      },
      {
        kind: 'lines',
        title: `The relay (${SHELL_NAMES[target.shell]})`,
        text: wrapCommand(formatCommand(target.shell, 'ffmpeg', relay), target.shell, LINE_COLUMNS),
      },
      {
        kind: 'values',
        title: 'In OBS: Settings, Stream; the last one in Output (Advanced), Streaming',
        rows: [
          ['Service', 'Custom'],
          ['Server', 'rtmp://127.0.0.1:1935/live'],
          ['Stream Key', 'obs'],
          ['Keyframe Interval', '2'],
        ],
      },
      {
        kind: 'words',
        text: 'Without a relay, by OBS’s own muxer: Start Recording instead of Start Streaming. The key is in the URL then, and ffmpeg’s muxer writes it into the playlist, from which the origin takes it out. Readers must use the same form of address.',
      },
      {
        kind: 'values',
        title: 'Settings, Output (Advanced), Recording',
        rows: [
          ['Type', 'Custom Output (FFmpeg)'],
          ['FFmpeg Output Type', 'Output to URL'],
          ['File path or URL', keyLastUrl(target, target.encoderKey)],
          ['Container Format', 'hls'],
          ['Muxer Settings', 'method=PUT http_persistent=1 ignore_io_errors=1 hls_time=2'],
          ['Players then open', keyLastUrl(target, target.playerKey)],
        ],
      },
    ],
  }
}

/** The form whose last parameter is the key: what an encoder appends keeps the rest of the query. */
function keyLastUrl(target: ConnectTarget, key: string): string {
  const base = `${target.dataPlaneUrl}/cache/${target.cacheName}`
  const name = `${target.keyPrefix}playlist.m3u8`
  return `${base}?token=${toUrlKey(key)}&ttl_seconds=${TTL_SECONDS}&key=${name}`
}

export function mediaLiveRecipe(target: ConnectTarget): Recipe {
  const url = playlistUrl(target)
  const isReachable = !isLocalUrl(target.dataPlaneUrl)
  return {
    name: 'medialive',
    title: 'AWS MediaLive',
    parts: [
      ...(isReachable ? [] : [LOCAL_WORDS]),
      {
        kind: 'words',
        text: 'An HLS output group, by one of two ways. Take B: with A MediaLive copies the key into the multivariant playlist, from which the origin has to take it out.',
      },
      {
        kind: 'values',
        title: 'A: HLS basic put',
        rows: [
          ['CDN settings', 'HLS basic put'],
          ['URL', formatBasicPutUrl(url, toUrlKey(target.encoderKey))],
          ['Credentials', 'none'],
          ['Connection retry interval, s', '4'],
          ['Num retries', '5'],
          ['Restart delay, s', '2'],
          ['Filecache duration, s', '300'],
        ],
      },
      {
        kind: 'values',
        title: 'B: HLS Akamai',
        rows: [
          ['CDN settings', 'HLS Akamai'],
          ['URL', formatAkamaiUrl(url)],
          ['Username', MEDIALIVE_USER],
          ['Password (an SSM parameter)', target.encoderKey],
          ['Connection retry interval, s', '1'],
          ['Num retries', '10'],
          ['Filecache duration, s', '300'],
        ],
      },
      {
        kind: 'words',
        text: 'In both: output selection MANIFESTS_AND_SEGMENTS, mode LIVE, SEGMENTED_FILES, segment length 2 s. Keep “role=origin”: MediaLive carries the query to its segments only when it is there.',
      },
    ],
  }
}

const LOCAL_WORDS: RecipePart = {
  kind: 'words',
  isWarning: true,
  text: 'AWS does not reach this address. Enter above the one that the origin has from outside (and set http.publicUrl to it).',
}

export function shakaRecipe(target: ConnectTarget): Recipe {
  const base = withUser(formatBaseUrl(target), toUrlKey(target.encoderKey))
  const query = `?ttl_seconds=${TTL_SECONDS}`
  const input = 'in=udp://127.0.0.1:40000,format=ts'
  const stream = (name: string, more = '') =>
    `${input},stream=${name},segment_template=${base}${name}_$Number$.ts${query},playlist_name=${name}.m3u8${more}`
  return {
    name: 'shaka',
    title: 'Shaka Packager',
    parts: [
      {
        kind: 'words',
        text: 'User and password in the URL are the only credentials that reach all of its uploads. Feed it with ffmpeg … -f mpegts "udp://127.0.0.1:40000?pkt_size=1316".',
      },
      {
        kind: 'lines',
        title: `Video and audio (${SHELL_NAMES[target.shell]})`,
        text: formatCommand(target.shell, 'packager', [
          [stream('video')],
          [stream('audio', ',hls_group_id=audio')],
          ['--segment_duration', '2', '--hls_playlist_type', 'LIVE'],
          ['--ignore_http_output_failures'],
          ['--hls_master_playlist_output', `${base}playlist.m3u8${query}`],
        ]),
      },
      {
        kind: 'words',
        text: 'Its media playlists lose their query, and get the cache’s default TTL.',
      },
    ],
  }
}

function withUser(url: string, password: string): string {
  return url.replace('://', `://${MEDIALIVE_USER}:${password}@`)
}
