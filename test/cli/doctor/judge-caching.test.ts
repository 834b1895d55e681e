import t from 'tap'
import type { Answer, Outcome } from '../../../src/cli/doctor/answer.ts'
import type { Cdn } from '../../../src/cli/doctor/cdn.ts'
import {
  judgeMissing,
  judgeMoves,
  judgePlaylistCaching,
  judgeSegmentCaching,
  judgeStale,
} from '../../../src/cli/doctor/judge-caching.ts'
import type { PlaylistLook } from '../../../src/cli/doctor/judge-caching.ts'
import { answerOf, FAILED } from './answers.ts'

function playlist(cacheControl: string | undefined, more: object = {}, cdn: Cdn = 'none') {
  return judgePlaylistCaching({
    ...{ id: 'caching.media', isLive: true, targetDurationSeconds: 6, sentAuthorization: false },
    answer: answerOf(200, cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
    cdn,
    ...more,
  })
}

t.test('a live playlist may be kept for a target duration, and by everybody', async (t) => {
  const cases: readonly [string | undefined, string, object?][] = [
    ['public, max-age=3', 'ok'],
    ['public, max-age=6', 'ok'],
    ['public, max-age=7', 'breaks'],
    ['max-age=3, s-maxage=60', 'breaks'],
    ['max-age="3"', 'ok'],
    ['max-age=nonsense', 'ok'],
    ['max-age=0', 'warning'],
    ['no-store', 'warning'],
    ['private, max-age=3', 'warning'],
    [undefined, 'warning'],
    ['max-age=3', 'warning', { sentAuthorization: true }],
    ['max-age=3, must-revalidate', 'ok', { sentAuthorization: true }],
    ['public, max-age=86400', 'ok', { isLive: false }],
    ['no-cache', 'warning', { isLive: false }],
  ]
  for (const [cacheControl, verdict, more] of cases) {
    t.equal(
      playlist(cacheControl, more).verdict,
      verdict,
      `${cacheControl} ${JSON.stringify(more)}`,
    )
  }
})

t.test('advice is for the CDN that was seen', async (t) => {
  t.match(playlist('no-store', {}, 'cloudfront').change, 'CachingDisabled')
  t.match(playlist('no-store', {}, 'nginx').change, 'proxy_cache_lock')
  t.match(playlist('no-store', {}, 'other').change, 'public, max-age=3')
  t.match(playlist(undefined, {}, 'cloudfront').change, '24 h')
})

t.test('segments are kept, and by everybody', async (t) => {
  const judge = (cacheControl: string, sentAuthorization = false) =>
    judgeSegmentCaching({
      answer: answerOf(200, cacheControl === '' ? {} : { 'cache-control': cacheControl }),
      sentAuthorization,
      cdn: 'cloudfront',
    }).verdict
  t.equal(judge('public, max-age=300'), 'ok')
  t.equal(judge(''), 'warning')
  t.equal(judge('no-store'), 'warning')
  t.equal(judge('max-age=300', true), 'warning')
})

function look(edgeNumber: number, headers: Record<string, string> = {}): PlaylistLook {
  return { answer: answerOf(200, headers, `edge ${edgeNumber}`), edgeNumber }
}

t.test('a playlist moves on within two target durations', async (t) => {
  const judge = (looks: readonly PlaylistLook[], waitedSeconds: number, fresh?: PlaylistLook) =>
    judgeMoves({ looks, waitedSeconds, fresh, targetDurationSeconds: 4, cdn: 'nginx' })
  t.equal(judge([look(1), look(2)], 4).verdict, 'ok')
  t.equal(judge([look(1)], 4).verdict, 'unchecked')
  t.equal(judge([look(1), look(1)], 3).verdict, 'unchecked')
  const dead = judge([look(1), look(1)], 9, look(1))
  t.equal(dead.verdict, 'breaks')
  t.match(dead.change, 'encoder has stopped')
  const kept = judge([look(1), look(1)], 3, look(3))
  t.equal(kept.verdict, 'breaks')
  t.match(kept.seen, '2 segments further')
  t.match(kept.change, 'proxy_cache_valid')
  const parts = [look(1), { ...look(1), answer: answerOf(200, {}, 'one part more') }]
  t.equal(judge(parts, 9).verdict, 'ok', 'a low-latency playlist moves by parts')
})

t.test('old copies are seen by their Age, and by going back', async (t) => {
  const judge = (...looks: PlaylistLook[]) => judgeStale({ looks, targetDurationSeconds: 4 })
  t.equal(judge(look(1), look(2)).verdict, 'ok')
  t.match(judge(look(1), look(2, { age: '4' })), { verdict: 'ok', seen: 'Age at most 4 s' })
  t.equal(judge(look(1), look(2, { age: '5' })).verdict, 'breaks')
  t.equal(judge(look(1), look(2, { age: '5', 'cache-control': 'max-age=9' })).verdict, 'ok')
  t.match(judge(look(5), look(3)), { verdict: 'breaks', seen: /back by 2 segments/ })
  t.equal(judge(look(5)).verdict, 'unchecked')
})

t.test('a 404 is forgotten within two seconds', async (t) => {
  const judge = (first: Outcome, second: Outcome, cdn: Cdn = 'cloudfront') =>
    judgeMissing({ first, second, pauseSeconds: 2.5, cdn })
  const miss = (headers: Record<string, string> = {}): Answer => answerOf(404, headers)
  t.equal(judge(miss(), miss()).verdict, 'ok')
  t.equal(judge(miss(), miss({ age: '1' })).verdict, 'ok')
  const kept = judge(miss(), miss({ age: '2' }))
  t.equal(kept.verdict, 'breaks')
  t.match(kept.change, 'error caching minimum TTL')
  t.match(judge(miss(), miss({ 'x-cache-status': 'HIT' }), 'nginx').change, 'proxy_cache_valid 404')
  t.match(judge(miss(), miss({ 'x-varnish': '7 3' }), 'varnish').change, 'vcl_backend_response')
  t.equal(judge(miss({ 'x-request-id': 'a' }), miss({ 'x-request-id': 'a' })).verdict, 'breaks')
  t.equal(judge(miss({ 'x-request-id': 'a' }), miss({ 'x-request-id': 'b' })).verdict, 'ok')
  const long = { 'cache-control': 'public, max-age=3' }
  t.equal(judge(miss(long), miss(long)).verdict, 'warning')
  t.equal(judge(answerOf(200), answerOf(200)).verdict, 'breaks')
  t.equal(judge(answerOf(403), answerOf(403)).verdict, 'warning')
  t.equal(judge(answerOf(500), answerOf(500)).verdict, 'warning')
  t.equal(judge(FAILED, miss()).verdict, 'unchecked')
  t.equal(judge(miss(), FAILED).verdict, 'unchecked')
})
