import t from 'tap'
import { parsePlaylist } from '../../../src/hls/playlist.ts'
import type { MediaPlaylist } from '../../../src/hls/playlist.ts'
import type { Outcome } from '../../../src/cli/doctor/answer.ts'
import { formatHttpDate } from '../../../src/base/dates.ts'
import { detectCdn } from '../../../src/cli/doctor/cdn.ts'
import { candidatesOf } from '../../../src/cli/doctor/find-playlist.ts'
import { judgeDate, judgeLastModified } from '../../../src/cli/doctor/judge-clock.ts'
import {
  judgeLive,
  judgeParse,
  judgeSegments,
  judgeTypes,
  judgeVariants,
} from '../../../src/cli/doctor/judge-playlists.ts'
import type { MediaRead } from '../../../src/cli/doctor/judge-playlists.ts'
import {
  judgeAccess,
  judgeConnection,
  judgeKeepAlive,
} from '../../../src/cli/doctor/judge-reach.ts'
import { answerOf, FAILED, NOW_MS, shortOf } from './answers.ts'

function media(text: string): MediaPlaylist {
  const playlist = parsePlaylist(`#EXTM3U\n${text}`)
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

t.test('the playlist itself', async (t) => {
  const parse = (body: string) => shortOf(judgeParse(answerOf(200, {}, body), parsePlaylist(body)))
  t.match(parse('#EXTM3U\n#EXTINF:2,\na.ts'), /^ok: media playlist with 1/)
  t.match(parse('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8'), /^ok: multivariant/)
  t.match(parse('#EXTM3U\n#EXT-X-STREAM-INF:CODECS="x"\na.m3u8'), /^warning/)
  t.match(parse('#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a"'), /^breaks/)
  t.match(parse('<html>'), /^breaks: does not begin with #EXTM3U but with "<html>"/)
  t.match(parse('<?xml version="1.0"?><MPD/>'), /^unchecked: a DASH/)
})

t.test('a live playlist has a target duration, segments and enough of them', async (t) => {
  const live = (text: string) => shortOf(judgeLive(media(text)))
  const segments = (count: number, seconds = 2) => `#EXTINF:${seconds},\na.ts\n`.repeat(count)
  t.match(live(segments(3)), /^breaks: no EXT-X-TARGETDURATION/)
  t.match(live('#EXT-X-TARGETDURATION:2\n'), /^breaks: names no segment/)
  t.match(live(`#EXT-X-TARGETDURATION:2\n${segments(3)}`), /^ok: live, .* \(6\.0 s\)/)
  t.match(live(`#EXT-X-TARGETDURATION:2\n${segments(2)}`), /^warning: live/)
  t.match(live(`#EXT-X-TARGETDURATION:2\n${segments(3, 2.4)}`), /^ok/)
  t.match(live(`#EXT-X-TARGETDURATION:2\n${segments(3, 2.5)}`), /^warning: .*longer/)
  t.match(live(`#EXT-X-TARGETDURATION:2\n${segments(1)}#EXT-X-ENDLIST`), /^ok: ended/)
})

function read(outcome: Outcome, segment?: Outcome): MediaRead {
  return {
    ...{ url: 'https://cdn.example/v.m3u8', outcome, initSection: undefined },
    playlist: outcome.kind === 'answer' && outcome.status === 200 ? media('') : undefined,
    newestSegment:
      segment === undefined
        ? undefined
        : { url: 'https://cdn.example/s1.ts?token=secret', outcome: segment },
  }
}

t.test('what playlists name is there', async (t) => {
  const there = read(answerOf(200), answerOf(200))
  const budget = { kind: 'failure', code: 'BUDGET' } as const
  t.match(shortOf(judgeVariants([there], 1)), /^ok: all can be read/)
  t.match(shortOf(judgeVariants([there], 9)), /^ok: 1 of 9/)
  t.match(shortOf(judgeVariants([there, read(answerOf(404))], 2)), /^breaks: 1 of 2 .*v\.m3u8 404/)
  t.match(judgeVariants([read(answerOf(401))], 1).change, 'not inherited')
  t.match(shortOf(judgeVariants([read(budget)], 1)), /^unchecked/)
  t.match(shortOf(judgeSegments([there])), /^ok/)
  t.match(shortOf(judgeSegments([read(answerOf(200))])), /^unchecked: no playlist names/)
  t.match(shortOf(judgeSegments([read(answerOf(200), budget)])), /^unchecked/)
  const failed = judgeSegments([...Array<MediaRead>(5).fill(read(answerOf(200), FAILED)), there])
  t.match(shortOf(failed), /^breaks: not all .*s1\.ts no answer \(TIMEOUT\), .* and 2 more/)
  t.notMatch(failed.seen, 'secret')
})

t.test('media types, each family as one', async (t) => {
  const judge = (url: string, type: string, body = '') =>
    shortOf(judgeTypes([{ url, outcome: answerOf(200, { 'content-type': type }, body) }]))
  t.match(judge('http://a/b.ts', 'video/MP2T; x=1'), /^ok/)
  t.match(judge('http://a/b.m4s?x=1', 'video/mp4'), /^ok/)
  t.match(judge('http://a/b.ts', ''), /^warning: none for ts should be video\/mp2t/)
  t.match(judge('http://a/live', 'application/x-mpegURL', '#EXTM3U\n'), /^ok/)
  t.match(judge('http://a/live', 'text/plain'), /^unchecked/)
  t.match(judge('http://a/b.png', 'image/png'), /^ok/)
  t.match(shortOf(judgeTypes([{ url: 'http://a/b.ts', outcome: FAILED }])), /^unchecked/)
})

t.test('the connection, its certificate and whether it is kept', async (t) => {
  const tls = (days: number | undefined) =>
    answerOf(200, {}, '', {
      tls: {
        protocol: 'TLSv1.3',
        certificateExpiresAtMs: days === undefined ? undefined : NOW_MS + days * 86_400_000,
      },
    })
  t.match(shortOf(judgeConnection(tls(14), NOW_MS)), /^ok: TLSv1\.3, .*14 more days/)
  t.match(shortOf(judgeConnection(tls(13), NOW_MS)), /^warning/)
  t.match(shortOf(judgeConnection(tls(undefined), NOW_MS)), /^ok: TLSv1\.3$/)
  t.match(shortOf(judgeConnection(answerOf(200), NOW_MS)), /^ok: HTTP/)
  t.match(shortOf(judgeConnection(FAILED, NOW_MS)), /^breaks: no answer in time/)
  const odd = { kind: 'failure', code: 'EODD' } as const
  t.match(shortOf(judgeConnection(odd, NOW_MS)), /^breaks: .*EODD/)
  const fresh = answerOf(200, {}, '', { isReused: false })
  t.match(shortOf(judgeKeepAlive([fresh, answerOf(200), answerOf(200)])), /^ok/)
  t.match(shortOf(judgeKeepAlive([fresh, fresh, fresh])), /^warning/)
  t.match(shortOf(judgeKeepAlive([fresh])), /^unchecked/)
})

t.test('which key opens', async (t) => {
  const open = answerOf(200, {}, '#EXTM3U\n')
  const refused = answerOf(401, { 'cache-control': 'no-store', 'x-headwater-reason': 'why' })
  const judge = (
    header: Outcome | undefined,
    query: Outcome | undefined,
    anonymous: Outcome,
    cdn: 'none' | 'cloudfront' = 'none',
  ) => judgeAccess({ hasKey: header !== undefined, header, query, anonymous, cdn }).map(shortOf)
  t.match(judge(open, open, refused), [/^ok/, /^ok/, /^ok: 401 without a key/])
  t.match(judge(refused, refused, refused), [/^breaks: .*401 \(why\)/, /^breaks/, /^ok/])
  t.match(judge(refused, open, refused), [/^warning/, /^ok/])
  t.match(judge(open, answerOf(400), refused), [/^ok/, /^warning: .*400/])
  t.match(judge(open, answerOf(403), open), [/^ok/, /^warning/, /^warning: opens without/])
  t.match(judge(open, refused, open, 'cloudfront'), [/^ok/, /^warning/, /^ok: .*the CDN adds/])
  t.match(judge(undefined, undefined, open), [/^unchecked/, /^unchecked/, /^ok/])
  t.match(judge(undefined, undefined, refused)[2], /^breaks: answered 401/)
  for (const status of [400, 404, 500, 302]) {
    t.match(judge(undefined, undefined, answerOf(status))[2], /^breaks/)
  }
  t.match(judge(open, open, answerOf(404))[2], /^ok/)
  t.match(judge(open, open, answerOf(401, { 'cache-control': 'max-age=9' }))[2], /^warning/)
  t.match(judge(FAILED, FAILED, FAILED), [/^breaks/, /^breaks/, /^unchecked/])
  t.match(judge(undefined, undefined, answerOf(200))[2], /^ok/)
})

t.test('clocks', async (t) => {
  const dated = (seconds: number, headers: Record<string, string> = {}) =>
    answerOf(200, { date: formatHttpDate(NOW_MS + seconds * 1000), ...headers })
  t.match(shortOf(judgeDate([dated(5), dated(60)])), /^ok/)
  t.match(shortOf(judgeDate([dated(-60, { age: '60' })])), /^ok/)
  t.match(shortOf(judgeDate([dated(-6)])), /^warning: 6 s behind/)
  t.match(shortOf(judgeDate([dated(7)])), /^warning: 7 s ahead/)
  t.match(shortOf(judgeDate([answerOf(200)])), /^warning: no Date/)
  t.match(shortOf(judgeDate([])), /^unchecked/)

  const look = (edgeNumber: number, modifiedSeconds: number, age = '0') => ({
    edgeNumber,
    answer: dated(0, { 'last-modified': formatHttpDate(NOW_MS + modifiedSeconds * 1000), age }),
  })
  t.match(shortOf(judgeLastModified([look(1, -4), look(2, -2)], 2)), /^ok: 2 s before Date/)
  t.match(shortOf(judgeLastModified([look(1, -6)], 2)), /^ok/)
  t.match(shortOf(judgeLastModified([look(1, -7)], 2)), /^breaks/)
  t.match(shortOf(judgeLastModified([look(1, -4, '3')], 2)), /^breaks/)
  t.match(shortOf(judgeLastModified([look(1, -2), look(2, -2)], 2)), /^warning: does not move/)
  t.match(shortOf(judgeLastModified([{ edgeNumber: 1, answer: answerOf(200) }], 2)), /^warning/)
  t.match(shortOf(judgeLastModified([], 2)), /^unchecked/)
})

t.test('the cache in front, by its headers', async (t) => {
  const detect = (headers: Record<string, string>) => detectCdn([answerOf(200, headers)])
  t.equal(detect({ 'x-amz-cf-id': 'x' }), 'cloudfront')
  t.equal(detect({ 'x-cache': 'Miss from cloudfront', server: 'nginx' }), 'cloudfront')
  t.equal(detect({ via: '1.1 varnish (Varnish/7.1)' }), 'varnish')
  t.equal(detect({ server: 'nginx/1.22.1', age: '3' }), 'nginx')
  t.equal(detect({ age: '0' }), 'other')
  t.equal(detect({}), 'none')
})

t.test('where a playlist may be', async (t) => {
  const cases: readonly [string, readonly string[]][] = [
    ['http://a/x/p.m3u8', ['http://a/x/p.m3u8']],
    ['http://a/cache/c?key=p', ['http://a/cache/c?key=p']],
    [
      'http://a',
      [
        'http://a/playlist.m3u8',
        'http://a/cache/live-origin/playlist.m3u8',
        'http://a/cache/live-origin/demo/playlist.m3u8',
      ],
    ],
    [
      'http://a/cache/c/',
      [
        'http://a/cache/c/playlist.m3u8',
        'http://a/cache/c/index.m3u8',
        'http://a/cache/c/demo/playlist.m3u8',
      ],
    ],
    ['http://a/x', ['http://a/x', 'http://a/x/playlist.m3u8', 'http://a/x/index.m3u8']],
  ]
  for (const [url, candidates] of cases) t.strictSame(candidatesOf(url), candidates)
})
