import t from 'tap'
import {
  evaluatePreconditions,
  ifRangeHolds,
  parseRange,
  sliceChunks,
} from '../../src/wire/preconditions.ts'

const STORED_MS = Date.UTC(2026, 0, 15, 12, 0, 5, 250)
const validators = { etag: 'e-1', lastModifiedMs: STORED_MS }
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 15, 12, 0, seconds)).toUTCString()
const none = {
  ifMatch: undefined,
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
  ifUnmodifiedSince: undefined,
}

t.test('If-None-Match lists, weak tags and *', async (t) => {
  for (const ifNoneMatch of ['"e-1"', 'W/"e-1"', '"x", "e-1"', '*', ' * ', '"x",W/"e-1"']) {
    t.equal(
      evaluatePreconditions({ ...none, ifNoneMatch }, validators),
      'not-modified',
      ifNoneMatch,
    )
  }
  for (const ifNoneMatch of ['"x"', 'e-1', '', '"e-10"', '"e-1']) {
    t.equal(evaluatePreconditions({ ...none, ifNoneMatch }, validators), 'proceed', ifNoneMatch)
  }
})

t.test('If-None-Match wins over If-Modified-Since', async (t) => {
  const headers = { ...none, ifNoneMatch: '"x"', ifModifiedSince: at(59) }
  t.equal(evaluatePreconditions(headers, validators), 'proceed')
})

t.test('no 304 by date within the second of the PUT', async (t) => {
  const verdict = (ifModifiedSince: string) =>
    evaluatePreconditions({ ...none, ifModifiedSince }, validators)
  t.equal(verdict(at(4)), 'proceed')
  t.equal(verdict(at(5)), 'proceed')
  t.equal(verdict(at(6)), 'not-modified')
  t.equal(verdict('Thursday, 15-Jan-26 12:00:09 GMT'), 'not-modified')
  t.equal(verdict('Thu Jan 15 12:00:09 2026'), 'not-modified')
  t.equal(verdict('yesterday'), 'proceed')
})

t.test('If-Match and If-Unmodified-Since', async (t) => {
  const verdict = (headers: Partial<typeof none>) =>
    evaluatePreconditions({ ...none, ...headers }, validators)
  t.equal(verdict({ ifMatch: '"e-1"' as never }), 'proceed')
  t.equal(verdict({ ifMatch: '*' as never }), 'proceed')
  t.equal(verdict({ ifMatch: 'W/"e-1"' as never }), 'failed')
  t.equal(verdict({ ifMatch: '"x"' as never }), 'failed')
  t.equal(verdict({ ifUnmodifiedSince: at(5) as never }), 'proceed')
  t.equal(verdict({ ifUnmodifiedSince: at(4) as never }), 'failed')
  t.equal(verdict({ ifUnmodifiedSince: 'garbage' as never }), 'proceed')
})

t.test('one range, or the whole', async (t) => {
  const cases = [
    ['bytes=0-', { first: 0, last: 9 }],
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=9-', { first: 9, last: 9 }],
    ['bytes=2-99', { first: 2, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['Bytes = 1 - 2', { first: 1, last: 2 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=99999999999999-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=-', undefined],
    ['bytes=a-b', undefined],
    ['bytes=1-2x', undefined],
    ['items=0-1', undefined],
    ['', undefined],
    [`bytes=${'9'.repeat(16)}-`, undefined],
  ] as const
  for (const [header, range] of cases) t.same(parseRange(header, 10), range, header)
  t.equal(parseRange(undefined, 10), undefined)
  t.equal(parseRange('bytes=-1', 0), 'unsatisfiable')
})

t.test('If-Range compares strongly, or by the exact date', async (t) => {
  t.ok(ifRangeHolds(undefined, validators))
  t.ok(ifRangeHolds('"e-1"', validators))
  t.ok(ifRangeHolds(at(5), validators))
  for (const header of ['W/"e-1"', '"x"', at(4), at(6), 'garbage', '']) {
    t.notOk(ifRangeHolds(header, validators), header)
  }
})

t.test('a slice of chunks is the slice of their bytes', async (t) => {
  const bytes = Buffer.from('0123456789abcdef')
  const chunks = [bytes.subarray(0, 5), bytes.subarray(5, 6), bytes.subarray(6, 16)]
  for (let first = 0; first < 16; first++) {
    for (let last = first; last < 16; last++) {
      const slice = Buffer.concat(sliceChunks(chunks, { first, last })).toString()
      if (slice !== bytes.subarray(first, last + 1).toString()) t.fail(`${first}-${last}: ${slice}`)
    }
  }
  t.pass('every range of three chunks')
})
