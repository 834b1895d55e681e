/**
 * What one client should do about its refusal or miss, in the words that terminal, admin API,
 * console and webhooks share. Knows how encoders go wrong; text only.
 */

import { toPlainText } from '../base/plain-text.ts'
import { redactText } from '../base/redact.ts'
import { REFUSAL_WORDS } from './refusal-words.ts'
import type { RefusalWords } from './refusal-words.ts'
import type { RefusalReason } from './refusals.ts'

/** What is known of a refusal, or of several of one cause. */
export interface RefusalFacts {
  readonly reason: string
  readonly isRead: boolean
  readonly cacheName: string
  /** For people; the last one of several. */
  readonly key: string
  readonly userAgent: string
  readonly hadQueryToken: boolean
  readonly hadHeaderCredential: boolean
  /** Only names that look like segments were refused: playlists came through. */
  readonly onlySegments: boolean
  /** How long the answer waited for what did not come; 0 when it did not wait. */
  readonly heldSeconds?: number
}

export interface RefusalAdvice extends RefusalWords {
  /** What to type or to write instead, one line each; may be empty. */
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

/** By ffmpeg's names: `manifest.mpd`, `init-stream0.m4s`, `chunk-stream0-00001.m4s`. */
export function isDashName(key: string): boolean {
  return /\.mpd$/i.test(key) || /(?:^|\/)(?:init|chunk)-[^/]*\.m4s$/i.test(key)
}

/** The client's name by its User-Agent, free of control characters. */
export function encoderName(userAgent: string): string {
  if (/^Lavf\//.test(userAgent)) return 'ffmpeg'
  if (/^libobs\//.test(userAgent)) return 'OBS'
  if (/^ShakaPackager/i.test(userAgent)) return 'Shaka Packager'
  if (/^GStreamer souphttp/i.test(userAgent)) return 'GStreamer'
  if (userAgent === '') return 'unnamed client'
  return toPlainText(redactText(userAgent.split(/[ (]/, 1)[0] ?? ''), 40)
}

/** ffmpeg: the key in a header, which no playlist shows. */
export const HEADER_OPTION = `-headers "Authorization: $KEY"$'\\r\\n'`

/** @param publicUrl  For the corrected commands. */
export function adviseOnRefusal(facts: RefusalFacts, publicUrl: string): RefusalAdvice {
  const words = isKnownReason(facts.reason)
    ? REFUSAL_WORDS[facts.reason]
    : { sentence: `${facts.reason}.`, advice: '' }
  const special = facts.isRead ? adviceToReader(facts) : adviceToWriter(facts, publicUrl)
  return { ...words, commands: [], ...special }
}

function adviceToReader(facts: RefusalFacts): Partial<RefusalAdvice> {
  const { reason, cacheName, heldSeconds = 0 } = facts
  switch (reason) {
    case 'key-not-found':
      if (heldSeconds === 0) return {}
      return {
        sentence: `A live playlist names it, and it did not come within ${heldSeconds.toFixed(1)} s.`,
        advice:
          'The encoder is late, or its upload was refused: see the writes of the same minute.',
      }
    case 'credential-expired':
    case 'credential-revoked':
      return { commands: [createKeyCommand(cacheName, 'readonly')] }
    case 'permission-denied':
      return {
        sentence: 'The key is valid, but may not read this.',
        advice: 'Make one for this cache, or for these names:',
        commands: [createKeyCommand(cacheName, 'readonly')],
      }
    case 'cache-not-found':
      return { commands: [`headwater cache create ${cacheName}`] }
    default:
      return {}
  }
}

function adviceToWriter(facts: RefusalFacts, publicUrl: string): Partial<RefusalAdvice> {
  const cache = facts.cacheName
  switch (facts.reason) {
    case 'credential-missing':
      return missingCredential(facts, publicUrl)
    case 'credential-malformed':
    case 'credential-unknown':
      return wrongCredential(facts, publicUrl)
    case 'credential-expired':
    case 'credential-revoked':
      return { advice: 'Make a new one:', commands: [createKeyCommand(cache)] }
    case 'not-a-playlist':
      return {
        advice:
          "ffmpeg without -hls_segment_filename makes segment names from the playlist's URL; when that has a token with a dot, segments go to the playlist's own name. Add:",
        commands: [segmentNameOption(facts, publicUrl)],
      }
    case 'permission-denied':
      return {
        sentence: 'The key is valid, but may not write there.',
        advice: 'Use the one in encoder-key.json, or make one:',
        commands: [createKeyCommand(cache)],
      }
    case 'cache-not-found':
      return { advice: 'Make it:', commands: [`headwater cache create ${cache}`] }
    case 'ttl-missing':
      return missingTtl(facts, publicUrl)
    case 'body-too-large':
      return {
        sentence: 'The limit of this cache is lower.',
        advice: 'Raise it, or lower the bitrate or the segment length:',
        commands: [`headwater cache set ${cache} --item-size-bytes-max <bytes>`],
      }
    case 'playlist-leaks-key':
      if (encoderName(facts.userAgent) !== 'ffmpeg') return {}
      return {
        advice: 'Take it out of the names of playlists and segments, and give it in a header:',
        commands: [HEADER_OPTION],
      }
    default:
      return {}
  }
}

function missingTtl(facts: RefusalFacts, publicUrl: string): Partial<RefusalAdvice> {
  if (encoderName(facts.userAgent) !== 'ffmpeg') return {}
  return {
    advice: 'ffmpeg carries a query to no other name, so write it three times:',
    commands: [
      segmentNameOption(facts, publicUrl),
      '-master_pl_name "playlist.m3u8?ttl_seconds=3600"',
      `"${publicUrl}/cache/${facts.cacheName}/playlist.m3u8?ttl_seconds=3600"`,
    ],
  }
}

function missingCredential(facts: RefusalFacts, publicUrl: string): Partial<RefusalAdvice> {
  const sentence = 'No key came with them.'
  if (encoderName(facts.userAgent) !== 'ffmpeg') {
    return {
      sentence,
      advice: 'Send it as Authorization, as the password of Basic, or as ?token=.',
    }
  }
  if (isDashName(facts.key)) {
    return {
      sentence: "No key came with them: ffmpeg's DASH muxer ignores -headers.",
      advice: 'Write',
      commands: ['-http_opts "headers=Authorization\\: $KEY"'],
    }
  }
  // Its playlists came through, by the query of their URL.
  if (facts.onlySegments) {
    return {
      sentence: 'ffmpeg dropped the query; write it in -hls_segment_filename, too.',
      advice: 'Better, give the key once, in a header, which no playlist shows:',
      commands: [segmentNameOption(facts, publicUrl), HEADER_OPTION],
    }
  }
  return { sentence, advice: 'Give it in a header:', commands: [HEADER_OPTION] }
}

function wrongCredential(facts: RefusalFacts, publicUrl: string): Partial<RefusalAdvice> {
  const isFfmpeg = encoderName(facts.userAgent) === 'ffmpeg'
  if (isFfmpeg && facts.hadQueryToken && isPlaylistName(facts.key)) {
    return {
      sentence: 'This is not a key of this server.',
      advice:
        'If others of its uploads are stored, ffmpeg cut the token at its last dot to make segment names; then add:',
      commands: [segmentNameOption(facts, publicUrl)],
    }
  }
  return {
    sentence: 'This is not a key of this server: cut short, or made elsewhere.',
    advice: 'Compare it with encoder-key.json, or make one:',
    commands: [createKeyCommand(facts.cacheName)],
  }
}

/** With the name that the encoder gave: `playlist0.ts` -> `playlist_%05d.ts`. */
function segmentNameOption(facts: RefusalFacts, publicUrl: string): string {
  const key = toPlainText(redactText(facts.key), 200)
  // Anybody can ask for any name, and the line is pasted into a shell: plain names only.
  const match = /^([\w./-]*?)[_-]?\d*\.([a-z0-9]+)$/i.exec(key)
  const [, name = 'playlist', extension = 'ts'] = match ?? []
  const segmentExtension = isPlaylistName(key) ? 'ts' : extension
  const token = facts.hadHeaderCredential ? '' : 'token=$KEY&'
  return `-hls_segment_filename "${publicUrl}/cache/${facts.cacheName}/${name}_%05d.${segmentExtension}?${token}ttl_seconds=3600"`
}

function createKeyCommand(cacheName: string, role = 'readwrite'): string {
  return `headwater key create --cache ${cacheName} --role ${role}`
}

function isKnownReason(reason: string): reason is RefusalReason {
  return Object.hasOwn(REFUSAL_WORDS, reason)
}
