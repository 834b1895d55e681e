import t from 'tap'
import type { Outcome } from '../../../src/cli/doctor/answer.ts'
import {
  judgeCors,
  judgeGzip,
  judgePreflight,
  judgeRanges,
} from '../../../src/cli/doctor/judge-transfer.ts'
import type { RangeFacts } from '../../../src/cli/doctor/judge-transfer.ts'
import { PAGE_ORIGIN } from '../../../src/cli/doctor/reader.ts'
import { answerOf, FAILED, shortOf } from './answers.ts'

t.test('pages on other sites may read every status', async (t) => {
  const judge = (headers: Record<string, string>) =>
    judgeCors({
      ...{ playlist: answerOf(200, headers), segment: undefined, missing: FAILED, cdn: 'none' },
    }).map(shortOf)
  t.match(judge({ 'access-control-allow-origin': '*' })[0], /^ok/)
  t.match(judge({ 'access-control-allow-origin': PAGE_ORIGIN, vary: 'Origin' })[0], /^ok/)
  t.match(judge({ 'access-control-allow-origin': PAGE_ORIGIN })[0], /^warning: .*without Vary/)
  t.match(judge({ 'access-control-allow-origin': 'https://other.example' })[0], /^breaks/)
  t.match(judge({})[0], /^breaks: no Access-Control-Allow-Origin on 200/)
  t.match(judge({}).slice(1), [/^unchecked/, /^unchecked/, /^warning: not exposed/])
  t.match(judge({ 'access-control-expose-headers': '*' })[3], /^ok/)
})

t.test('a preflight without a key allows Authorization and Range', async (t) => {
  const allow = (headers: string) => ({
    'access-control-allow-origin': '*',
    'access-control-allow-headers': headers,
  })
  const judge = (outcome: Outcome, needsKey = true) =>
    shortOf(judgePreflight(outcome, needsKey, 'none'))
  t.match(judge(answerOf(204, allow('Authorization, range'))), /^ok/)
  t.match(judge(answerOf(204, allow('*'))), /^warning: does not allow authorization/)
  t.match(judge(answerOf(204, allow('authorization, *'))), /^ok/)
  t.match(judge(answerOf(403, allow('*'))), /^warning: OPTIONS is answered 403/)
  t.match(judge(answerOf(204)), /^warning: OPTIONS is answered without/)
  t.match(judge(answerOf(403), false), /^ok: .*not needed/)
  t.match(judge(FAILED), /^unchecked/)
})

t.test('playlists are compressed when asked, segments never', async (t) => {
  const long = 'x'.repeat(1025)
  const judge = (
    coded: Record<string, string>,
    plain: Record<string, string> = {},
    body = long,
    segment: Outcome | undefined = answerOf(200),
  ) =>
    judgeGzip({
      ...{ playlist: answerOf(200, coded, body.slice(0, 300)), segment, cdn: 'nginx' },
      identity: answerOf(200, plain, body),
    }).map(shortOf)
  const gzip = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
  t.match(judge(gzip), [/^ok: gzip, 300 bytes for 1025/, /^ok/, /^ok/])
  t.match(judge({}), [/^warning: not compressed/, /^ok: none needed/])
  t.match(judge({}, {}, 'x'.repeat(1024)), [/^ok: plain/])
  t.match(judge({ ...gzip, etag: '"1"' }, { etag: '"1"' }), [/^warning: .*same strong ETag/])
  t.match(judge({ ...gzip, etag: 'W/"1"' }, { etag: 'W/"1"' }), [/^ok/])
  t.match(judge({ 'content-encoding': 'br', vary: 'accept-encoding' }), [/^warning: br/])
  t.match(judge({ 'content-encoding': 'gzip' })[1], /^warning: .*without Vary/)
  t.match(judge({ ...gzip, vary: '*' })[1], /^warning: Vary: \*/)
  t.match(judge({ vary: 'User-Agent' })[1], /^warning: Vary: user-agent/)
  t.match(judge(gzip, { 'content-encoding': 'gzip' }), [/^unchecked/, /^breaks/])
  t.match(judge({}, {}, long, answerOf(200, gzip))[2], /^warning/)
  t.match(judge({}, {}, long, FAILED)[2], /^unchecked/)
  t.match(
    judgeGzip({ playlist: FAILED, identity: answerOf(200), segment: undefined, cdn: 'none' }).map(
      shortOf,
    ),
    [/^unchecked/, /^unchecked/, /^unchecked/],
  )
})

const BODY = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256))
const WHOLE = answerOf(200, { 'content-length': '1000', etag: '"1"' }, BODY)

function ranges(more: Partial<RangeFacts>): readonly string[] {
  return judgeRanges({
    ...{ whole: WHOLE, head: answerOf(200, { 'content-length': '1000' }), needsRanges: false },
    ranged: answerOf(206, { 'content-range': 'bytes 0-187/1000' }, BODY.subarray(0, 188)),
    ifRangeOther: answerOf(200),
    conditional: answerOf(304),
    playlistRanged: answerOf(206, {}, '#EXTM3U'),
    ...more,
  }).map(shortOf)
}

t.test('a range is the part that was asked for', async (t) => {
  const part = BODY.subarray(0, 188)
  const judge = (outcome: Outcome, needsRanges = false) =>
    ranges({ ranged: outcome, needsRanges })[0]
  t.match(ranges({})[0], /^ok/)
  t.match(judge(answerOf(206, { 'content-range': 'bytes 0-187/*' }, part)), /^ok/)
  t.match(judge(answerOf(206, { 'content-range': 'bytes 0-187/999' }, part)), /^breaks/)
  t.match(judge(answerOf(206, { 'content-range': 'bytes 1-188/1000' }, part)), /^breaks/)
  t.match(judge(answerOf(206, {}, part)), /^breaks/)
  t.match(
    judge(answerOf(206, { 'content-range': 'bytes 0-187/1000' }, BODY.subarray(5, 193))),
    /^breaks/,
  )
  t.match(judge(answerOf(200, {}, BODY)), /^warning/)
  t.match(judge(answerOf(200, {}, BODY), true), /^breaks/)
  t.match(judge(answerOf(416)), /^breaks/)
  t.match(judge(FAILED), /^unchecked/)
  const small = answerOf(200, { 'content-length': '100' }, BODY.subarray(0, 100))
  const all = answerOf(206, { 'content-range': 'bytes 0-99/100' }, BODY.subarray(0, 100))
  t.match(ranges({ whole: small, ranged: all })[0], /^ok/)
})

t.test('ranges of playlists, If-Range, HEAD and validators', async (t) => {
  t.match(ranges({}), [/^ok/, /^ok/, /^ok/, /^ok/, /^ok/])
  t.match(ranges({ playlistRanged: answerOf(200, {}, '#EXTM3U\nx') })[1], /^ok/)
  t.match(ranges({ playlistRanged: answerOf(416) })[1], /^breaks/)
  t.match(ranges({ playlistRanged: FAILED })[1], /^unchecked/)
  t.match(ranges({ ifRangeOther: answerOf(206) })[2], /^warning/)
  t.match(ranges({ ifRangeOther: undefined })[2], /^unchecked/)
  t.match(ranges({ ifRangeOther: FAILED })[2], /^unchecked/)
  t.match(ranges({ head: answerOf(200, { 'content-length': '0' }) })[3], /^warning/)
  t.match(ranges({ head: answerOf(405) })[3], /^warning/)
  t.match(ranges({ head: FAILED })[3], /^unchecked/)
  t.match(ranges({ whole: answerOf(200, {}, BODY) })[3], /^warning: the segment has no/)
  t.match(ranges({ conditional: answerOf(200) })[4], /^warning/)
  t.match(ranges({ conditional: undefined })[4], /^warning: neither/)
  t.match(ranges({ conditional: FAILED })[4], /^unchecked/)
})
