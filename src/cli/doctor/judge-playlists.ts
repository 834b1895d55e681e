/** What the playlists say and whether what they name is there: from facts to findings. */

import { itemKeyFromText } from '../../base/names.ts'
import type { MediaPlaylist, Playlist } from '../../hls/playlist.ts'
import { mediaTypeOfKey } from '../../hls/media-types.ts'
import type { Answer, Outcome } from './answer.ts'
import { describeOutcome, isStatus, nameOf, quote, textOf } from './answer.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { Finding } from './finding.ts'

/** A media playlist of the channel and what was asked for of its content. */
export interface MediaRead {
  readonly url: string
  readonly outcome: Outcome
  readonly playlist: MediaPlaylist | undefined
  readonly newestSegment: ObjectRead | undefined
  readonly initSection: ObjectRead | undefined
}

export interface ObjectRead {
  readonly url: string
  readonly outcome: Outcome
}

/** @param answer  The 200 that the given URL was answered with. */
export function judgeParse(answer: Answer, playlist: Playlist | undefined): Finding {
  const id = 'playlist.parse'
  if (playlist === undefined) {
    const text = textOf(answer).slice(0, 200).trimStart()
    if (/^<\?xml|^<MPD/i.test(text)) return unchecked(id, 'a DASH manifest; this command reads HLS')
    return breaks(
      id,
      `does not begin with #EXTM3U but with ${JSON.stringify(quote(text.slice(0, 40), 40))}`,
      'The URL should name a playlist. A page of a CDN or a site’s index in its place is a wrong origin path or a custom error page.',
    )
  }
  if (playlist.kind === 'media') {
    return ok(id, `media playlist with ${playlist.segmentCount} segments`)
  }
  const { variants, renditions } = playlist
  const seen = `multivariant playlist with ${variants.length} variants, ${renditions.length} renditions`
  if (variants.length === 0) {
    return breaks(
      id,
      seen,
      'The encoder wrote no EXT-X-STREAM-INF: a player has nothing to choose.',
    )
  }
  const withoutBandwidth = variants.filter((variant) => variant.bandwidthBitsPerSecond === 0)
  if (withoutBandwidth.length === 0) return ok(id, seen)
  return warning(
    id,
    `${withoutBandwidth.length} of ${variants.length} variants have no BANDWIDTH`,
    'Players choose by it, and RFC 8216 demands it: set the bitrates in the encoder.',
  )
}

/** @param namedCount  How many the multivariant playlist names; more than were asked for, perhaps. */
export function judgeVariants(reads: readonly MediaRead[], namedCount: number): Finding {
  const id = 'playlist.variants'
  const failed = reads.filter(({ playlist }) => playlist === undefined)
  const asked = reads.length < namedCount ? `${reads.length} of ${namedCount}` : 'all'
  if (failed.length === 0) return ok(id, `${asked} can be read`)
  const [first] = failed
  if (first === undefined || failed.every(({ outcome }) => isBudget(outcome))) {
    return unchecked(id, 'too many requests already')
  }
  return breaks(
    id,
    `${failed.length} of ${reads.length} cannot be read: ${describeFailed(failed)}`,
    isStatus(first.outcome, 401, 403)
      ? 'Variants are asked for without the key: a token= on the multivariant playlist is not inherited by what it names. Let the CDN add the key on all behaviours, or give players a header.'
      : 'The encoder has not written them yet, wrote them elsewhere, or their TTL has passed.',
  )
}

export function judgeLive(playlist: MediaPlaylist): Finding {
  const id = 'playlist.live'
  const { targetDurationSeconds, segmentCount, ended, segments } = playlist
  if (targetDurationSeconds === 0) {
    return breaks(id, 'no EXT-X-TARGETDURATION', 'Players refuse that: check the encoder.')
  }
  if (segmentCount === 0) {
    return breaks(id, 'names no segment', 'The encoder has just begun, or writes none.')
  }
  const windowSeconds = segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
  const window = segments.length === 0 ? '' : ` (${windowSeconds.toFixed(1)} s)`
  const seen = `${ended ? 'ended' : 'live'}, target duration ${targetDurationSeconds} s, ${segmentCount} segments${window}`
  if (ended) return ok(id, seen)
  // RFC 8216bis §4.4.3.1: EXTINF, rounded, is at most the target duration.
  const tooLong = segments.filter(
    ({ durationSeconds }) => Math.round(durationSeconds) > targetDurationSeconds,
  )
  if (tooLong.length > 0) {
    return warning(
      id,
      `${seen}; ${tooLong.length} segments are longer than the target duration`,
      'Fix the encoder’s key frame interval (ffmpeg: -g, -force_key_frames): players time their reloads by it.',
    )
  }
  if (segments.length > 0 && windowSeconds < 3 * targetDurationSeconds) {
    return warning(
      id,
      seen,
      'Keep at least three target durations in the playlist (ffmpeg: -hls_list_size 6): players start that far behind the end.',
    )
  }
  return ok(id, seen)
}

export function judgeSegments(reads: readonly MediaRead[]): Finding {
  return judgeObjects(
    'playlist.segments',
    reads.map(({ newestSegment }) => newestSegment),
    {
      none: 'no playlist names a segment',
      change:
        'A playlist was published before its segment, the encoder’s upload was refused (its answers say why: x-headwater-reason, and the origin’s terminal), or a cache keeps an early 404.',
    },
  )
}

export function judgeInitSections(reads: readonly MediaRead[]): Finding {
  return judgeObjects(
    'playlist.init',
    reads.map(({ initSection }) => initSection),
    {
      none: 'none are named',
      change:
        'Without it no segment of the variant can be played. Encoders write it once, at the start: a ttl_seconds shorter than the event drops it.',
    },
  )
}

function judgeObjects(
  id: 'playlist.segments' | 'playlist.init',
  objects: readonly (ObjectRead | undefined)[],
  words: { readonly none: string; readonly change: string },
): Finding {
  const asked = objects.filter((object) => object !== undefined)
  const answered = asked.filter(({ outcome }) => !isBudget(outcome))
  if (answered.length === 0) return unchecked(id, words.none)
  const failed = answered.filter(({ outcome }) => !isStatus(outcome, 200, 206))
  if (failed.length === 0) return ok(id, `${answered.length} asked for, all there`)
  const howMany = answered.length === failed.length ? 'none' : 'not all'
  return breaks(id, `${howMany} can be read: ${describeFailed(failed)}`, words.change)
}

/** Types of everything that was read with 200. */
export function judgeTypes(objects: readonly ObjectRead[]): Finding {
  const id = 'playlist.types'
  const wrong = new Map<string, string>()
  let checkedCount = 0
  for (const { url, outcome } of objects) {
    if (!isStatus(outcome, 200, 206)) continue
    const expected = expectedTypes(url, outcome)
    if (expected === undefined) continue
    checkedCount++
    const type = (outcome.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
    if (!expected.includes(type)) {
      const shown = type === '' ? 'none' : quote(type, 40)
      wrong.set(`${shown} for ${extensionOf(url)}`, expected[0] ?? '')
    }
  }
  if (checkedCount === 0) return unchecked(id, 'nothing with a known extension was read')
  if (wrong.size === 0) return ok(id, `right for all ${checkedCount} that were read`)
  const list = [...wrong].map(([seen, type]) => `${seen} should be ${type}`).join('; ')
  return warning(
    id,
    list,
    'Safari and televisions go by it. Headwater sends types by extension (delivery.contentType: by-extension); elsewhere set the object’s Content-Type.',
  )
}

/** Types of one family, of which the first is Apple's; players take any. */
const SAME: readonly (readonly string[])[] = [
  ['application/vnd.apple.mpegurl', 'application/x-mpegurl', 'audio/mpegurl', 'audio/x-mpegurl'],
  ['video/mp2t', 'video/mpegts'],
  ['video/iso.segment', 'video/mp4', 'audio/mp4', 'application/mp4'],
  ['video/mp4', 'video/iso.segment', 'audio/mp4', 'application/mp4'],
  ['audio/mp4', 'video/mp4', 'video/iso.segment', 'application/mp4'],
  ['audio/aac', 'audio/x-aac', 'audio/aacp'],
  ['text/vtt', 'text/plain'],
]

function expectedTypes(url: string, answer: Answer): readonly string[] | undefined {
  const isPlaylist = textOf(answer).startsWith('#EXTM3U')
  const key = itemKeyFromText(isPlaylist ? 'x.m3u8' : `x.${extensionOf(url)}`)
  const type = key === undefined ? undefined : mediaTypeOfKey(key)
  if (type === undefined) return undefined
  return SAME.find(([first]) => first === type) ?? [type]
}

function extensionOf(url: string): string {
  return /\.([a-z0-9]{1,8})$/i.exec(nameOf(url))?.[1]?.toLowerCase() ?? ''
}

function isBudget(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && outcome.code === 'BUDGET'
}

function describeFailed(reads: readonly ObjectRead[]): string {
  const shown = reads
    .slice(0, 3)
    .map(({ url, outcome }) => `${nameOf(url)} ${describeOutcome(outcome)}`)
  const more = reads.length > shown.length ? ` and ${reads.length - shown.length} more` : ''
  return `${shown.join(', ')}${more}`
}
