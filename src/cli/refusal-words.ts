/**
 * Refused writes in words, for a terminal and the log: what happened, why, and the corrected
 * command. The cause is worded in `wire/refusal-advice.ts`; who is told when: origin-reporter.ts.
 */

import { formatItemKey } from '../base/names.ts'
import { toPlainText } from '../base/plain-text.ts'
import { redactText } from '../base/redact.ts'
import type { TokensRemoved } from '../origin/events.ts'
import { adviseOnRefusal, encoderName, HEADER_OPTION } from '../wire/refusal-advice.ts'

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

export interface RefusalNotice {
  /** `12 segments refused with 401 (ffmpeg, 127.0.0.1, cache live-origin)` */
  readonly headline: string
  /** The cause and what to do, sentences. */
  readonly why: string
  /** What to write instead, one line each; may be empty. */
  readonly commands: readonly string[]
}

/** @param publicUrl  For the corrected commands. */
export function explainRefusals(summary: RefusalSummary, publicUrl: string): RefusalNotice {
  const { reason, statusCode, segmentCount, playlistCount, sampleKey } = summary
  const { sentence, advice, commands } = adviseOnRefusal(
    {
      ...summary,
      isRead: false,
      key: sampleKey,
      onlySegments: segmentCount > 0 && playlistCount === 0,
    },
    publicUrl,
  )
  const what =
    reason === 'body-incomplete' ? 'broke off before the end' : `refused with ${statusCode}`
  const client = [
    encoderName(summary.userAgent),
    summary.clientAddress,
    ...(summary.cacheName === '' ? [] : [`cache ${summary.cacheName}`]),
  ]
  return {
    headline: `${countUploads(summary)} ${what} (${client.join(', ')})`,
    why: `${sentence} ${advice}`.trim(),
    commands,
  }
}

/** In words: keys that were taken out of a playlist, and how to keep them out. */
export function explainRemovedTokens(removal: TokensRemoved): RefusalNotice {
  const { tokenCount } = removal
  const key = toPlainText(redactText(formatItemKey(removal.key)), 200)
  const uris = tokenCount === 1 ? '1 URI' : `${tokenCount} URIs`
  return {
    headline: `${uris} of the playlist ${removal.cacheName}/${key} had ?token= with a key that is not for viewers`,
    why: 'It can write, or this server does not know it. It was taken out before the playlist was stored; players bring their own. Encoders copy it there from the URL that they push to. Better, give the key once, in a header, which no playlist shows, and leave ?token= out of every URL. With AWS MediaLive: CDN setting HLS Akamai, user momento, the key as password. With ffmpeg:',
    commands: [HEADER_OPTION],
  }
}

function countUploads({ count, segmentCount, playlistCount }: RefusalSummary): string {
  const noun = segmentCount === count ? 'segment' : playlistCount === count ? 'playlist' : 'upload'
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
