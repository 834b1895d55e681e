/** CORS, compression, ranges and validators: from facts to findings. */

import { PAGE_ORIGIN } from './reader.ts'
import type { Answer, Outcome } from './answer.ts'
import { describeOutcome, isStatus, quote } from './answer.ts'
import { adviceFor } from './cdn.ts'
import type { Cdn } from './cdn.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { CheckId, Finding } from './finding.ts'

/** Apple and CloudFront compress from about here; less gains nothing. */
const GZIP_BYTES_MIN = 1024

const CORS_ADVICE = {
  cloudfront:
    'Attach a response headers policy with CORS (origin *, override on) to the behaviour, or let the origin’s header through.',
  nginx: 'Add "add_header Access-Control-Allow-Origin * always": without always errors have none.',
  varnish: 'Do not unset the header in vcl_deliver; in vcl_synth set it, too.',
  other: 'Send Access-Control-Allow-Origin: * on every status.',
} as const

/** The three kinds of answers that a page on another site must be allowed to read. */
export function judgeCors(facts: {
  readonly playlist: Answer
  readonly segment: Outcome | undefined
  readonly missing: Outcome | undefined
  readonly cdn: Cdn
}): readonly Finding[] {
  const { playlist, segment, missing, cdn } = facts
  return [
    judgeAllowOrigin('cors.playlist', playlist, cdn),
    judgeAllowOrigin('cors.segment', segment, cdn),
    judgeAllowOrigin('cors.missing', missing, cdn),
    judgeExposed(playlist),
  ]
}

function judgeAllowOrigin(id: CheckId, outcome: Outcome | undefined, cdn: Cdn): Finding {
  if (outcome === undefined) return unchecked(id, 'nothing was read')
  if (outcome.kind === 'failure') return unchecked(id, describeOutcome(outcome))
  const allowed = outcome.headers['access-control-allow-origin']
  const change = adviceFor(cdn, CORS_ADVICE)
  if (allowed === '*') return ok(id, 'Access-Control-Allow-Origin: *')
  if (allowed === PAGE_ORIGIN) {
    if (/\borigin\b|\*/i.test(outcome.headers['vary'] ?? '')) return ok(id, 'reflects the origin')
    return warning(
      id,
      'reflects the origin, without Vary: Origin',
      'A cache hands the permission of one site to the pages of another. Send Access-Control-Allow-Origin: * instead.',
    )
  }
  const isError = outcome.status >= 400
  const seen =
    allowed === undefined
      ? `no Access-Control-Allow-Origin on ${outcome.status}`
      : `Access-Control-Allow-Origin: ${quote(allowed, 60)}`
  if (isError) {
    return warning(id, seen, `Players in browsers see a network error, not a 404. ${change}`)
  }
  return breaks(id, seen, `No page on another site can play it in a browser. ${change}`)
}

function judgeExposed(answer: Answer): Finding {
  const id = 'cors.exposed'
  const exposed = (answer.headers['access-control-expose-headers'] ?? '').toLowerCase()
  const names = exposed.split(',').map((name) => name.trim())
  const wanted = ['etag', 'content-length', 'content-range', 'date', 'age']
  const hidden = names.includes('*') ? [] : wanted.filter((name) => !names.includes(name))
  if (hidden.length === 0) return ok(id, 'what players and monitors read')
  return warning(
    id,
    `not exposed: ${hidden.join(', ')}`,
    'Send Access-Control-Expose-Headers: ETag, Content-Length, Content-Range, Date, Age, so that pages can measure latency and find ranges.',
  )
}

/** @param needsKey  Whether viewers are refused without a key: only then the header has to pass. */
export function judgePreflight(outcome: Outcome, needsKey: boolean, cdn: Cdn): Finding {
  const id = 'cors.preflight'
  if (outcome.kind === 'failure') return unchecked(id, describeOutcome(outcome))
  const allowed = (outcome.headers['access-control-allow-headers'] ?? '').toLowerCase()
  const names = allowed.split(',').map((name) => name.trim())
  // `*` does not cover Authorization (Fetch standard).
  const missing = ['authorization', 'range'].filter(
    (name) => !names.includes(name) && !(name === 'range' && names.includes('*')),
  )
  const origin = outcome.headers['access-control-allow-origin']
  const isRight =
    outcome.status >= 200 &&
    outcome.status < 300 &&
    (origin === '*' || origin === PAGE_ORIGIN) &&
    missing.length === 0
  if (isRight) return ok(id, `${outcome.status}, allows Authorization and Range`)
  const problem =
    outcome.status >= 300
      ? `OPTIONS is answered ${outcome.status}`
      : origin === undefined
        ? 'OPTIONS is answered without Access-Control-Allow-Origin'
        : `does not allow ${missing.join(', ')}`
  if (!needsKey) return ok(id, `${problem}; not needed while viewers send no key`)
  return warning(
    id,
    problem,
    adviceFor(cdn, {
      cloudfront:
        'Browsers ask so before they send a key. Allow OPTIONS in the behaviour and cache it, forward Origin and Access-Control-Request-*, or use a response headers policy that lists Authorization and Range.',
      other:
        'Browsers ask so, without a key, before they send one. Answer OPTIONS 204 and list Authorization and Range in Access-Control-Allow-Headers.',
    }),
  )
}

export interface GzipFacts {
  /** Of a playlist, asked for with `Accept-Encoding: gzip`. */
  readonly playlist: Outcome
  /** The same without. */
  readonly identity: Answer
  /** Of a segment, asked for with `Accept-Encoding: gzip`. */
  readonly segment: Outcome | undefined
  readonly cdn: Cdn
}

export function judgeGzip(facts: GzipFacts): readonly Finding[] {
  return [judgeGzipPlaylist(facts), judgeVary(facts), judgeGzipSegment(facts.segment)]
}

function judgeGzipPlaylist({ playlist, identity, cdn }: GzipFacts): Finding {
  const id = 'gzip.playlist'
  if (!isStatus(playlist, 200)) return unchecked(id, describeOutcome(playlist))
  const coding = playlist.headers['content-encoding']
  const sizeBytes = identity.body.length
  if (identity.headers['content-encoding'] !== undefined) {
    return unchecked(id, 'it is never sent plain')
  }
  if (coding === 'gzip') {
    const etag = playlist.headers['etag'] ?? ''
    if (etag.startsWith('"') && etag === identity.headers['etag']) {
      return warning(
        id,
        'gzip, with the same strong ETag as the plain form',
        'Give each form an ETag of its own, or a weak one: caches mix up ranges and 304s of the two (RFC 9110 8.8.3.3).',
      )
    }
    return ok(id, `gzip, ${playlist.body.length} bytes for ${sizeBytes}`)
  }
  if (coding !== undefined && coding !== 'identity') {
    return warning(
      id,
      `${quote(coding, 20)} where only gzip was asked for`,
      'Players that do not know the coding cannot read the playlist: obey Accept-Encoding.',
    )
  }
  if (sizeBytes <= GZIP_BYTES_MIN) return ok(id, `plain; ${sizeBytes} bytes are not worth it`)
  return warning(
    id,
    `not compressed, ${sizeBytes} bytes`,
    adviceFor(cdn, {
      cloudfront:
        'Apple demands gzip for playlists. Turn on "Compress objects automatically" and Gzip in the cache policy: CloudFront compresses only what it may cache.',
      nginx:
        'Apple demands gzip for playlists. Set gzip on, gzip_proxied any and gzip_types application/vnd.apple.mpegurl.',
      varnish: 'Apple demands gzip for playlists. Set beresp.do_gzip for them.',
      other: 'Apple demands gzip for playlists (HLS authoring specification 10.1).',
    }),
  )
}

function judgeVary({ playlist, identity }: GzipFacts): Finding {
  const id = 'gzip.vary'
  if (!isStatus(playlist, 200)) return unchecked(id, describeOutcome(playlist))
  const vary = (playlist.headers['vary'] ?? '').toLowerCase()
  const names = vary.split(',').map((name) => name.trim())
  if (names.includes('*')) {
    return warning(id, 'Vary: *', 'Nothing can be cached so. Send Vary: Accept-Encoding alone.')
  }
  if (identity.headers['content-encoding'] === 'gzip') {
    return breaks(
      id,
      'gzip also for players that do not ask for it',
      'ffmpeg and VLC cannot read it. Obey Accept-Encoding, and send Vary: Accept-Encoding.',
    )
  }
  const isCoded = playlist.headers['content-encoding'] !== undefined
  if (isCoded && !names.includes('accept-encoding')) {
    return warning(
      id,
      'compressed without Vary: Accept-Encoding',
      'A cache may hand the compressed form to a player that did not ask for it.',
    )
  }
  const others = names.filter((name) => !['', 'accept-encoding', 'origin'].includes(name))
  if (others.length > 0) {
    return warning(
      id,
      `Vary: ${quote(vary, 60)}`,
      'Caches keep a copy for each value of these. Send Vary: Accept-Encoding alone.',
    )
  }
  return ok(id, vary === '' ? 'none needed' : `Vary: ${quote(vary, 60)}`)
}

function judgeGzipSegment(segment: Outcome | undefined): Finding {
  const id = 'gzip.segment'
  if (segment === undefined) return unchecked(id, 'no segment was read')
  if (!isStatus(segment, 200, 206)) return unchecked(id, describeOutcome(segment))
  const coding = segment.headers['content-encoding']
  if (coding === undefined || coding === 'identity') return ok(id, 'as they are')
  return warning(
    id,
    `Content-Encoding: ${quote(coding, 20)}`,
    'Video does not shrink, and ranges and lengths get lost: compress playlists alone.',
  )
}

export interface RangeFacts {
  /** The segment as a whole; its length is what the others are compared with. */
  readonly whole: Answer
  /** `bytes=0-187` of the same. */
  readonly ranged: Outcome
  /** The same with `If-Range` of an ETag that was never there. */
  readonly ifRangeOther: Outcome | undefined
  /** HEAD of the same. */
  readonly head: Outcome
  /** With `If-None-Match` or `If-Modified-Since` of the first answer; absent: it had neither. */
  readonly conditional: Outcome | undefined
  /** `bytes=0-6` of a playlist. */
  readonly playlistRanged: Outcome
  /** The playlist has EXT-X-BYTERANGE: without ranges nothing plays. */
  readonly needsRanges: boolean
}

export function judgeRanges(facts: RangeFacts): readonly Finding[] {
  return [
    judgeSegmentRange(facts),
    judgePlaylistRange(facts.playlistRanged),
    judgeIfRange(facts.ifRangeOther),
    judgeHead(facts),
    judgeValidators(facts),
  ]
}

function judgeSegmentRange({ whole, ranged, needsRanges }: RangeFacts): Finding {
  const id = 'range.segment'
  if (ranged.kind === 'failure') return unchecked(id, describeOutcome(ranged))
  const worse = needsRanges ? breaks : warning
  if (ranged.status === 200) {
    return worse(
      id,
      '200 with the whole segment for bytes=0-187',
      'Answer 206. CloudFront loses ranges of answers without Content-Length.',
    )
  }
  if (ranged.status !== 206) {
    return breaks(
      id,
      `${ranged.status} for bytes=0-187`,
      'ffmpeg, VLC and browsers ask for ranges: answer 206, or 200 with the whole.',
    )
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(ranged.headers['content-range'] ?? '')
  const lastByte = Math.min(187, Number(lengthOf(whole) ?? 188) - 1)
  const isRight =
    match?.[1] === '0' &&
    Number(match[2]) === lastByte &&
    (match[3] === '*' || whole.isCut || match[3] === String(whole.body.length)) &&
    ranged.body.equals(whole.body.subarray(0, lastByte + 1))
  if (isRight) return ok(id, `206, ${quote(ranged.headers['content-range'] ?? '', 60)}`)
  return breaks(
    id,
    `206 with Content-Range: ${quote(ranged.headers['content-range'] ?? 'none', 60)} and ${ranged.body.length} bytes for bytes=0-187`,
    'The part is not the one that was asked for: players would join the wrong bytes.',
  )
}

function judgePlaylistRange(outcome: Outcome): Finding {
  const id = 'range.playlist'
  if (outcome.kind === 'failure') return unchecked(id, describeOutcome(outcome))
  const text = outcome.body.toString('latin1')
  if (outcome.status === 206 && text === '#EXTM3U') return ok(id, '206')
  if (outcome.status === 200 && text.startsWith('#EXTM3U')) return ok(id, '200 with the whole')
  return breaks(
    id,
    `${outcome.status} for bytes=0-6`,
    'ffmpeg, mpv and Chromium ask for playlists with a Range: answer 206, or 200 with the whole.',
  )
}

function judgeIfRange(outcome: Outcome | undefined): Finding {
  const id = 'range.if-range'
  if (outcome === undefined) return unchecked(id, 'no ETag, or no ranges')
  if (outcome.kind === 'failure') return unchecked(id, describeOutcome(outcome))
  if (outcome.status === 200) return ok(id, 'the whole when the version is another')
  return warning(
    id,
    `${outcome.status} for the ETag of another version`,
    'A part of another version is joined to what the client has. Answer 200 with the whole when If-Range does not match (RFC 9110 13.1.5).',
  )
}

function judgeHead({ whole, head }: RangeFacts): Finding {
  const id = 'range.head'
  if (head.kind === 'failure') return unchecked(id, describeOutcome(head))
  if (head.status !== 200) {
    return warning(
      id,
      `HEAD is answered ${head.status}, GET ${whole.status}`,
      'Allow HEAD: tools and some players ask for the length first.',
    )
  }
  const length = lengthOf(whole)
  if (length === undefined) {
    return warning(
      id,
      'the segment has no Content-Length',
      'Send complete objects with their length: without it CloudFront ignores ranges and may keep a torn body.',
    )
  }
  const shown = lengthOf(head)
  if (shown === length) return ok(id, `the same length as GET, ${length} bytes`)
  return warning(
    id,
    `HEAD says ${shown ?? 'no length'}, GET ${length} bytes`,
    'Answer HEAD with the headers of GET.',
  )
}

function judgeValidators({ whole, conditional }: RangeFacts): Finding {
  const id = 'range.validators'
  const names = [
    ...(whole.headers['etag'] === undefined ? [] : ['ETag']),
    ...(whole.headers['last-modified'] === undefined ? [] : ['Last-Modified']),
  ]
  if (conditional === undefined) {
    return warning(
      id,
      'neither ETag nor Last-Modified',
      'Without a validator caches fetch the whole object again when its time is over.',
    )
  }
  if (conditional.kind === 'failure') return unchecked(id, describeOutcome(conditional))
  if (conditional.status === 304) return ok(id, `${names.join(', ')}; 304 when nothing changed`)
  return warning(
    id,
    `${names.join(', ')}, but ${conditional.status} when nothing changed`,
    'Answer If-None-Match with 304: browsers and CDNs ask so for every live playlist.',
  )
}

function lengthOf(answer: Answer): string | undefined {
  return answer.headers['content-length']
}
