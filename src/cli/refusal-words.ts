/**
 * Refused writes in words: what happened, why, and the corrected command. Encoders do not look at
 * statuses, so this is where a person learns it. Text only; who is told when: origin-reporter.ts.
 */

import { formatItemKey } from '../base/names.ts'
import { redactText } from '../base/redact.ts'
import type { TokensRemoved } from '../origin/events.ts'
import { REFUSALS } from '../wire/refusals.ts'
import { toPlainText } from './text-table.ts'

/** Refusals of one cause, client and cache. */
export interface RefusalSummary {
  readonly reason: string
  readonly statusCode: number
  readonly cacheName: string
  readonly clientAddress: string
  readonly userAgent: string
  /** Since the last time it was told. */
  readonly count: number
  /** Of them, uploads to keys that look like segments, and like playlists. */
  readonly segmentCount: number
  readonly playlistCount: number
  /** Key of the last one. */
  readonly sampleKey: string
  readonly hadQueryToken: boolean
  readonly hadHeaderCredential: boolean
}

export interface RefusalWords {
  /** `12 segments refused with 401 (ffmpeg, 127.0.0.1, cache live-origin)` */
  readonly headline: string
  /** The cause and what to do, sentences. */
  readonly why: string
  /** What to write instead, one line each; may be empty. */
  readonly commands: readonly string[]
}

const SEGMENT_NAME = /\.(?:ts|m4s|mp4|m4v|m4a|cmf[vatm]|aac|ac3|ec3|mp3|vtt|webvtt|seg)$/i
const PLAYLIST_NAME = /\.(?:m3u8|mpd)$/i

export function isSegmentName(key: string): boolean {
  return SEGMENT_NAME.test(key)
}

export function isPlaylistName(key: string): boolean {
  return PLAYLIST_NAME.test(key)
}

/** @param publicUrl  For the corrected commands. */
export function explainRefusals(summary: RefusalSummary, publicUrl: string): RefusalWords {
  const { reason, statusCode } = summary
  const { why, commands = [] } = causeOf(summary, publicUrl)
  const what =
    reason === 'body-incomplete' ? 'broke off before the end' : `refused with ${statusCode}`
  const client = [
    encoderName(summary.userAgent),
    summary.clientAddress,
    ...(summary.cacheName === '' ? [] : [`cache ${summary.cacheName}`]),
  ]
  return {
    headline: `${countUploads(summary)} ${what} (${client.join(', ')})`,
    why,
    commands,
  }
}

/** The encoder's name by its User-Agent, free of control characters. */
export function encoderName(userAgent: string): string {
  if (/^Lavf\//.test(userAgent)) return 'ffmpeg'
  if (/^libobs\//.test(userAgent)) return 'OBS'
  if (/^ShakaPackager/i.test(userAgent)) return 'Shaka Packager'
  if (/^GStreamer souphttp/i.test(userAgent)) return 'GStreamer'
  if (userAgent === '') return 'unnamed client'
  return toPlainText(redactText(userAgent.split(/[ (]/, 1)[0] ?? ''), 40)
}

interface Cause {
  /** Sentences, ending with a full stop or, before commands, a colon. */
  readonly why: string
  readonly commands?: readonly string[]
}

function causeOf(summary: RefusalSummary, publicUrl: string): Cause {
  const cache = summary.cacheName
  switch (summary.reason) {
    case 'credential-missing':
      return missingCredential(summary, publicUrl)
    case 'credential-malformed':
    case 'credential-unknown':
      return wrongCredential(summary, publicUrl)
    case 'credential-expired':
    case 'credential-revoked':
      return {
        why: `The key ${summary.reason === 'credential-expired' ? 'has expired' : 'was revoked'}. Make a new one:`,
        commands: [createKeyCommand(cache)],
      }
    case 'not-a-playlist':
      return {
        why: `A playlist begins with #EXTM3U, and this did not. ffmpeg without -hls_segment_filename makes segment names from the playlist's URL; when that has a token with a dot, segments go to the playlist's own name. Add:`,
        commands: [segmentNameOption(summary, publicUrl)],
      }
    case 'permission-denied':
      return {
        why: `The key is valid, but may not write there. Use the one in encoder-key.json, or make one:`,
        commands: [createKeyCommand(cache)],
      }
    case 'cache-not-found':
      return {
        why: `There is no such cache. Make it:`,
        commands: [`headwater cache create ${cache}`],
      }
    case 'ttl-missing':
      if (encoderName(summary.userAgent) !== 'ffmpeg') {
        return { why: 'ttl_seconds is missing. Put ?ttl_seconds=3600 behind every name.' }
      }
      return {
        why: 'ttl_seconds is missing. ffmpeg carries a query to no other name, so write it three times:',
        commands: [
          segmentNameOption(summary, publicUrl),
          '-master_pl_name "playlist.m3u8?ttl_seconds=3600"',
          `"${publicUrl}/cache/${cache}/playlist.m3u8?ttl_seconds=3600"`,
        ],
      }
    case 'body-too-large':
      return {
        why: 'The limit of this cache is lower. Raise it, or lower the bitrate or the segment length:',
        commands: [`headwater cache set ${cache} --item-size-bytes-max <bytes>`],
      }
    case 'length-required':
      return {
        why: 'There was neither Content-Length nor chunked, so the body could not be told from nothing. With ffmpeg, leave out chunked_post=0.',
      }
    case 'content-range':
      return {
        why: "An object was cut into several PUTs with Content-Range, as GStreamer's souphttpclientsink does. Use curlhttpsink.",
      }
    case 'playlist-leaks-key':
      return leakedKey(summary)
    case 'transfer-coding':
      return {
        why: 'The body came in a transfer coding other than chunked (gzip or deflate, say). Let the encoder send it plain: with Content-Length, or chunked.',
      }
    case 'body-incomplete':
      return {
        why: 'The encoder ended or its connection was cut. What was stored before is unchanged.',
      }
    default:
      return { why: knownDetail(summary.reason) }
  }
}

function missingCredential(summary: RefusalSummary, publicUrl: string): Cause {
  if (encoderName(summary.userAgent) !== 'ffmpeg') {
    return {
      why: 'No key came with them. Send it as Authorization, as the password of Basic, or as ?token=.',
    }
  }
  if (isDashName(summary.sampleKey)) {
    return {
      why: "No key came with them: ffmpeg's DASH muxer ignores -headers. Write",
      commands: ['-http_opts "headers=Authorization\\: $KEY"'],
    }
  }
  // Its playlists came through, by the query of their URL.
  if (summary.segmentCount > 0 && summary.playlistCount === 0) {
    return {
      why: 'ffmpeg dropped the query; write it in -hls_segment_filename, too. Better, give the key once, in a header, which no playlist shows:',
      commands: [segmentNameOption(summary, publicUrl), HEADER_OPTION],
    }
  }
  return { why: 'No key came with them. Give it in a header:', commands: [HEADER_OPTION] }
}

function wrongCredential(summary: RefusalSummary, publicUrl: string): Cause {
  const isFfmpeg = encoderName(summary.userAgent) === 'ffmpeg'
  if (isFfmpeg && summary.hadQueryToken && isPlaylistName(summary.sampleKey)) {
    return {
      why: 'This is not a key of this server. If others of its uploads are stored, ffmpeg cut the token at its last dot to make segment names; then add:',
      commands: [segmentNameOption(summary, publicUrl)],
    }
  }
  return {
    why: 'This is not a key of this server: cut short, or made elsewhere. Compare it with encoder-key.json, or make one:',
    commands: [createKeyCommand(summary.cacheName)],
  }
}

/** Where it can be taken out it is, and nothing is refused; see origin-notices.ts. */
function leakedKey({ userAgent }: RefusalSummary): Cause {
  const why =
    'The key of the upload stands in the text of the playlist where it cannot be taken out, and every viewer would get it. Take it out of the names of playlists and segments'
  if (encoderName(userAgent) !== 'ffmpeg') {
    return { why: `${why}, and send it as Authorization or as the password of Basic.` }
  }
  return { why: `${why}, and give it in a header:`, commands: [HEADER_OPTION] }
}

/** In words: keys that were taken out of a playlist, and how to keep them out. */
export function explainRemovedTokens(removal: TokensRemoved): RefusalWords {
  const { tokenCount } = removal
  const key = toPlainText(redactText(formatItemKey(removal.key)), 200)
  const uris = tokenCount === 1 ? '1 URI' : `${tokenCount} URIs`
  return {
    headline: `${uris} of the playlist ${removal.cacheName}/${key} had ?token= with a key that is not for viewers`,
    why: 'It can write, or this server does not know it. It was taken out before the playlist was stored; players bring their own. Encoders copy it there from the URL that they push to. Better, give the key once, in a header, which no playlist shows, and leave ?token= out of every URL. With AWS MediaLive: CDN setting HLS Akamai, user momento, the key as password. With ffmpeg:',
    commands: [HEADER_OPTION],
  }
}

const HEADER_OPTION = `-headers "Authorization: $KEY"$'\\r\\n'`

/** With the name that the encoder gave: `playlist0.ts` -> `playlist_%05d.ts`. */
function segmentNameOption(summary: RefusalSummary, publicUrl: string): string {
  const key = toPlainText(redactText(summary.sampleKey), 200)
  const match = /^(.*?)[_-]?\d*\.([a-z0-9]+)$/i.exec(key)
  const [, name = 'playlist', extension = 'ts'] = match ?? []
  const segmentExtension = isPlaylistName(key) ? 'ts' : extension
  const token = summary.hadHeaderCredential ? '' : 'token=$KEY&'
  return `-hls_segment_filename "${publicUrl}/cache/${summary.cacheName}/${name}_%05d.${segmentExtension}?${token}ttl_seconds=3600"`
}

function createKeyCommand(cacheName: string): string {
  return `headwater key create --cache ${cacheName} --role readwrite`
}

/** By ffmpeg's names: `manifest.mpd`, `init-stream0.m4s`, `chunk-stream0-00001.m4s`. */
export function isDashName(key: string): boolean {
  return /\.mpd$/i.test(key) || /(?:^|\/)(?:init|chunk)-[^/]*\.m4s$/i.test(key)
}

function countUploads({ count, segmentCount, playlistCount }: RefusalSummary): string {
  const noun = segmentCount === count ? 'segment' : playlistCount === count ? 'playlist' : 'upload'
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function knownDetail(reason: string): string {
  return Object.entries(REFUSALS).find(([name]) => name === reason)?.[1].detail ?? reason
}
