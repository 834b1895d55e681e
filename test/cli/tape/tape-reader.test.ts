/** Tapes are anybody's: round trips, cuts at every byte, and what must never be sent anywhere. */

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { BODY_BYTES_MAX, CHUNKS_MAX, RECORD_BYTES_MAX } from '../../../src/tape/tape-format.ts'
import type { TapeRequest } from '../../../src/tape/tape-format.ts'
import { TAPE_LIMITS } from '../../../src/cli/tape/tape-reader.ts'
import { bytesOf, HEAD, readAll, requestOf, tapeOf } from './tape-bytes.ts'

t.test('what is written is read, in pieces of any size', async (t) => {
  const bodies = Array.from({ length: 20 }, (_, index) =>
    randomBytes(index * 37).toString('latin1'),
  )
  const requests = bodies.map((body, index) => [requestOf(index + 1, body), body] as const)
  const others = [
    [{ type: 'close', connection: 1, at: 900 }],
    [{ type: 'gap', from: 1, to: 2, reason: 'slow', requestCount: 3 }],
  ] as const
  const tape = tapeOf(requests, others)
  for (const pieceBytes of [1, 2, 7, 64, 1000, tape.length]) {
    const { items, isCut } = await readAll(tape, pieceBytes)
    t.notOk(isCut)
    t.same(
      items.slice(0, 20).map(({ record }) => record),
      requests.map(([request]) => request),
    )
    t.same(
      items.slice(0, 20).map(({ body }) => body.toString('latin1')),
      bodies,
    )
    for (const { body, bodyAt } of items) {
      t.ok(tape.subarray(bodyAt, bodyAt + body.length).equals(body), 'where the body is')
    }
  }
})

t.test('cut anywhere it is a cut tape, and what is whole of it is read', async (t) => {
  const tape = tapeOf([
    [requestOf(1, 'one'), 'one'],
    [requestOf(2, 'two\n{"type":"end"}\n'), 'two\n{"type":"end"}\n'],
    [requestOf(3, ''), ''],
  ])
  const whole = await readAll(tape)
  const headEnd = tape.indexOf('\n') + 1
  for (let end = 0; end < headEnd; end++) {
    await t.rejects(readAll(tape.subarray(0, end)), { code: 'HW_TAPE_INVALID' }, String(end))
  }
  for (let end = headEnd; end < tape.length; end++) {
    const { items, isCut } = await readAll(tape.subarray(0, end))
    t.ok(isCut, String(end))
    t.same(items, whole.items.slice(0, items.length))
  }
})

t.test('what is no tape of this version is refused in words', async (t) => {
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['nothing', Buffer.alloc(0), /it is empty/],
    ['another file', Buffer.from('PK\u0003\u0004 zip'), /no tape of headwater record/],
    ['a line without end', Buffer.alloc(10_000, 0x61), /no end|no tape/],
    ['JSON of somebody else', Buffer.from('{"format":"har"}\n'), /no tape/],
    ['a later version', bytesOf([[{ ...HEAD, version: 2 }]]), /version is 2.*reads 1/],
    ['a head with more', Buffer.from(`${JSON.stringify({ ...HEAD, x: 1 })}\n`), /first line/],
  ]
  for (const [name, bytes, message] of cases) {
    await t.rejects(readAll(bytes), { code: 'HW_TAPE_INVALID', message }, name)
  }
})

t.test('a request that would be another one, or lead elsewhere, is refused', async (t) => {
  const cases: readonly (readonly [string, Partial<TapeRequest>])[] = [
    ['up', { path: '../x.ts' }],
    ['up, encoded', { path: 'a/%2e%2e/%2e%2e/x.ts' }],
    ['up, encoded twice', { path: 'a/%252e%252e/x.ts' }],
    ['up, the other slash', { path: 'a\\..\\x.ts' }],
    ['up, encoded slash', { path: 'a%2f..%2fx.ts' }],
    ['here', { path: './x.ts' }],
    ['a dot at the end', { path: 'a/..' }],
    ['another host', { path: 'x.ts HTTP/1.1\r\nHost: b' }],
    ['a query in the path', { path: 'x.ts?key=y' }],
    ['a fragment', { path: 'x.ts#y' }],
    ['a line in the query', { query: 'a=b\r\nX: y' }],
    ['no key', { path: '' }],
    ['a key that is too long', { path: 'x'.repeat(1025) }],
    ['GET', { method: 'GET' as 'PUT' }],
    ['a line in a field', { headers: [['X-A', 'b\r\nX-C: d']] }],
    ['a blank in a name', { headers: [['X A', 'b']] }],
    ['a credential', { headers: [['Authorization', 'b']] }],
    ['a cookie', { headers: [['Cookie', 'b']] }],
    ['another method', { headers: [['X-HTTP-Method-Override', 'DELETE']] }],
    ['another path', { headers: [['X-Original-URL', '/admin']] }],
    ['a protocol', { headers: [['Upgrade', 'websocket']] }],
    ['a shorter length', { lengthBytes: 1 }],
    ['a longer length', { lengthBytes: 9 }],
    ['no framing', { framing: 'none' }],
    ['chunks of another body', { chunks: [[11, 5]] }],
    ['chunks that go back', { chunks: [[12, 2], [11, 2]] }], // prettier-ignore
    ['a chunk before its request', { chunks: [[1, 4]] }],
    ['an end before its chunks', { endAt: 10 }],
    ['a negative time', { at: -1 }],
    ['a status of another kind', { status: 1000 }],
    ['a field that is not known', { extra: 1 } as Partial<TapeRequest>],
  ]
  for (const [name, change] of cases) {
    const tape = tapeOf([[requestOf(1, 'body', change), 'body']])
    await t.rejects(readAll(tape), { code: 'HW_TAPE_INVALID' }, name)
  }
})

t.test('keys with dots that lead nowhere are no traversal', async (t) => {
  for (const path of [
    'a..b.ts',
    '...',
    'a/..b/c.ts',
    'a/b..',
    '%2Ea.ts',
    'live//x.ts',
    '(1)~.ts',
  ]) {
    t.notOk((await readAll(tapeOf([[requestOf(1, 'x', { path }), 'x']]))).isCut, path)
  }
})

t.test('an upload that broke off, one by chunks, and one by the query are read', async (t) => {
  const requests: readonly Partial<TapeRequest>[] = [
    { end: 'aborted', status: 0, lengthBytes: 1000 },
    { framing: 'chunked' },
    { path: '', query: 'ttl_seconds=60&key=a/b.ts' },
  ]
  for (const change of requests) {
    t.notOk((await readAll(tapeOf([[requestOf(1, 'x', change), 'x']]))).isCut)
  }
})

t.test('lengths and counts have bounds, and lies are found', async (t) => {
  const rejects = async (bytes: Buffer, message: RegExp, limits = TAPE_LIMITS) =>
    t.rejects(readAll(bytes, bytes.length, limits), { code: 'HW_TAPE_INVALID', message })
  const two = [
    [requestOf(1, 'ab'), 'ab'],
    [requestOf(2, 'cd'), 'cd'],
  ] as const
  await rejects(tapeOf(two), /more than 1 requests/, { ...TAPE_LIMITS, requestsMax: 1 })
  await rejects(tapeOf(two), /more than 1 chunks/, { ...TAPE_LIMITS, chunksMax: 1 })
  await rejects(tapeOf(two), /over 3 bytes/, { ...TAPE_LIMITS, bodyBytesMax: 3 })
  t.notOk((await readAll(tapeOf(two), 9, { requestsMax: 2, chunksMax: 2, bodyBytesMax: 4 })).isCut)
  await rejects(tapeOf([two[0], two[0]]), /two requests of number 1/)
  const large = { sizeBytes: BODY_BYTES_MAX + 1, lengthBytes: BODY_BYTES_MAX + 1 }
  await rejects(
    tapeOf([[requestOf(1, 'x', { ...large, chunks: [[11, BODY_BYTES_MAX + 1]] }), 'x']]),
    /more than the/,
  )
  await rejects(tapeOf([[requestOf(1, 'ab'), 'abc']]), /longer than it says/)
  const end = { type: 'end', at: 1, requestCount: 2, bodyBytes: 0, unfinishedCount: 0 } as const
  await rejects(bytesOf([[HEAD], [end]]), /should hold 2 requests, and holds 0/)
  const line = Buffer.concat([bytesOf([[HEAD]]), Buffer.alloc(RECORD_BYTES_MAX + 2, 0x20)])
  await rejects(line, /has no end/)
  await rejects(Buffer.concat([bytesOf([[HEAD]]), Buffer.from('{}\n')]), /makes no sense/)
  await rejects(Buffer.concat([bytesOf([[HEAD]]), Buffer.from('nonsense\n')]), /makes no sense/)
  const chunks = Array.from({ length: CHUNKS_MAX + 1 }, (): [number, number] => [11, 1])
  const body = 'x'.repeat(CHUNKS_MAX + 1)
  await rejects(tapeOf([[requestOf(1, body, { chunks }), body]]), /makes no sense/)
})
