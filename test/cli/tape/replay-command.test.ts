/** `headwater replay` against origins of every kind: what it sends, where, and what it says. */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import type { TapeRequest } from '../../../src/tape/tape-format.ts'
import { cli } from '../cli-run.ts'
import type { CliRunOptions } from '../cli-run.ts'
import { bytesOf, HEAD, requestOf, tapeOf } from './tape-bytes.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly port: number
  body: string
  isWhole: boolean
}

type Answer = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void

/** An origin that remembers what it was sent; 201 to all unless it is told otherwise. */
async function openServer(
  t: Test,
  answer: Answer = (_, response) => response.writeHead(201).end(),
) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers, socket } = request
    const one: Seen = {
      method,
      url,
      headers,
      port: socket.remotePort ?? 0,
      body: '',
      isWhole: false,
    }
    seen.push(one)
    request.on('data', (chunk: Buffer) => (one.body += chunk.toString('latin1')))
    request.on('end', () => {
      one.isWhole = true
      answer(request, response, one)
    })
    request.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens has an address of this form.
  const { port } = server.address() as { readonly port: number }
  return { seen, to: `http://127.0.0.1:${port}/live` }
}

type Requests = readonly (readonly [TapeRequest, string])[]

function replay(
  t: Test,
  tape: Buffer | Requests,
  argv: string[],
  more: Partial<CliRunOptions> = {},
) {
  const cwd = t.testdir({})
  writeFileSync(join(cwd, 'a.tape'), Buffer.isBuffer(tape) ? tape : tapeOf(tape))
  const env = { HEADWATER_API_KEY: 'a-key' }
  return cli(['replay', 'a.tape', '--speed', 'max', ...argv], { cwd, env, ...more })
}

const ONE = [[requestOf(1, 'abc', { path: 'a/1.ts', query: 'ttl_seconds=60' }), 'abc']] as const

t.test('requests go below --to and nowhere else, with the key as it is asked for', async (t) => {
  const { seen, to } = await openServer(t)
  const forms: readonly (readonly [string[], object, string])[] = [
    [[], { authorization: 'a-key' }, '/live/a/1.ts?ttl_seconds=60'],
    [['--auth', 'bearer'], { authorization: 'Bearer a-key' }, '/live/a/1.ts?ttl_seconds=60'],
    [
      ['--auth', 'basic'],
      { authorization: `Basic ${Buffer.from('headwater:a-key').toString('base64')}` },
      '/live/a/1.ts?ttl_seconds=60',
    ],
    [['--auth', 'query'], { authorization: undefined }, '/live/a/1.ts?token=a-key&ttl_seconds=60'],
    [['--auth', 'none'], { authorization: undefined }, '/live/a/1.ts?ttl_seconds=60'],
  ]
  for (const [index, [flags, headers, url]] of forms.entries()) {
    const { exitCode, out, err } = await replay(t, ONE, ['--to', to, ...flags])
    t.equal(exitCode, 0, err)
    t.match(seen[index], { method: 'PUT', url, headers, body: 'abc', isWhole: true })
    t.equal(seen[index]?.headers.host, new URL(to).host)
    t.match(out, /Replayed 1 requests, 3 B, .*1 x 201\.\n  204 when recorded, 201 now: 1 \(PUT a/)
  }
})

t.test('an upload that is refused now is exit code 1; redirects are not followed', async (t) => {
  const other = await openServer(t)
  for (const [status, headers] of [
    [403, {}],
    [307, { location: `${other.to}/a/1.ts` }],
  ] as const) {
    const { to } = await openServer(t, (_, response) =>
      response.writeHead(status, headers).end('no'),
    )
    const { exitCode, out } = await replay(t, ONE, ['--to', to, '--json'])
    t.equal(exitCode, 1)
    t.match(JSON.parse(out), {
      refusedCount: 1,
      differences: [{ recordedStatus: 204, status, count: 1, examples: ['PUT a/1.ts'] }],
    })
  }
  t.same(other.seen, [])
})

t.test('what was refused then may be refused now', async (t) => {
  const { seen, to } = await openServer(t, (_, response) => response.writeHead(400).end())
  const requests = [
    [requestOf(1, 'x', { status: 400 }), 'x'],
    [requestOf(2, 'x', { status: 401 }), 'x'],
    [requestOf(3, '', { end: 'refused', status: 413, lengthBytes: 100 }), ''],
  ] as const
  const { exitCode, out } = await replay(t, requests, ['--to', to, '--json'])
  t.equal(exitCode, 0)
  t.match(JSON.parse(out), { requestCount: 1, skippedCount: 2, differences: [] })
  t.equal(seen.length, 1)
})

t.test('connections, chunks and uploads that break off are as recorded', async (t) => {
  const { seen, to } = await openServer(t)
  const chunked = { framing: 'chunked', chunks: [[11, 3], [12, 2]] } as const // prettier-ignore
  const requests = [
    [requestOf(1, 'abcde', { ...chunked, chunks: [[11, 3], [12, 2]], headers: [['Transfer-Encoding', 'gzip'], ['Connection', 'upgrade'], ['User-Agent', 'x'], ['Host', 'b']] }), 'abcde'], // prettier-ignore
    [requestOf(2, 'x'), 'x'],
    [requestOf(3, 'torn', { connection: 2, end: 'aborted', status: 0, lengthBytes: 900 }), 'torn'],
    [requestOf(4, 'x', { connection: 2 }), 'x'],
    [requestOf(5, '', { method: 'DELETE', framing: 'none', connection: 1 }), ''],
  ] as const
  const { exitCode, out, err } = await replay(t, requests, ['--to', to, '--json'])
  t.equal(exitCode, 0, err)
  t.match(JSON.parse(out), { requestCount: 5, abortedCount: 1, statuses: { 201: 4 } })
  t.match(
    seen.map(({ method, body, isWhole }) => ({ method, body, isWhole })),
    [
      { body: 'abcde', isWhole: true },
      { body: 'x', isWhole: true },
      { body: 'torn', isWhole: false },
      { body: 'x', isWhole: true },
      { method: 'DELETE' },
    ],
  )
  t.match(seen[0]?.headers, { 'transfer-encoding': 'chunked', 'user-agent': 'x' })
  t.notOk(seen[0]?.headers.connection)
  t.equal(seen[0]?.port, seen[1]?.port)
  t.equal(seen[0]?.port, seen[4]?.port)
  t.not(seen[2]?.port, seen[3]?.port)
})

t.test('what was answered before something began is answered before it begins', async (t) => {
  let busyCount = 0
  const overlaps: number[] = []
  const { to } = await openServer(t, (_, response) => {
    overlaps.push(++busyCount)
    setTimeout(() => {
      busyCount--
      response.writeHead(204).end()
    }, 15)
  })
  // Two at once, then one alone.
  const requests = [
    [requestOf(1, 'x', { connection: 1, answeredAt: 30 }), 'x'],
    [requestOf(2, 'x', { connection: 2, answeredAt: 30 }), 'x'],
    [requestOf(4, 'x', { connection: 3 }), 'x'],
  ] as const
  t.equal((await replay(t, requests, ['--to', to])).exitCode, 0)
  t.same(overlaps, [1, 2, 1])
})

t.test('Expect waits for the origin, and a body that it does not want stays here', async (t) => {
  const expect = { headers: [['Expect', '100-continue']] as [string, string][] }
  const requests = [
    [requestOf(1, 'abc', { ...expect, path: '1.ts' }), 'abc'],
    [requestOf(2, 'abc', { path: '2.ts' }), 'abc'],
  ] as const
  const server = createServer((_, response) => response.writeHead(204).end())
  let asked = 0
  server.on('checkContinue', (_: IncomingMessage, response: ServerResponse) => {
    asked++
    response.writeHead(413, { connection: 'close' }).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { readonly port: number }
  const to = `http://127.0.0.1:${port}`
  const refused = await replay(t, requests, ['--to', to, '--json'])
  t.match(JSON.parse(refused.out), { statuses: { 413: 1, 204: 1 }, sentBytes: 3, refusedCount: 1 })
  t.equal(asked, 1)
  const { seen, to: kind } = await openServer(t)
  t.equal((await replay(t, requests, ['--to', kind])).exitCode, 0)
  t.match(seen, [{ body: 'abc' }, { body: 'abc' }])
})

t.test('a connection that the origin ends is opened again, once for a request', async (t) => {
  let count = 0
  const { seen, to } = await openServer(t, (request, response) => {
    count++
    if (count === 2) request.socket.destroy()
    else response.writeHead(204, count === 3 ? { connection: 'close' } : {}).end()
  })
  const requests = [1, 2, 3, 4].map(
    (number) => [requestOf(number, `b${number}`), `b${number}`] as const,
  )
  const { exitCode, out } = await replay(t, requests, ['--to', to, '--json'])
  t.equal(exitCode, 0)
  t.match(JSON.parse(out), { retriedCount: 1, statuses: { 204: 4 } })
  t.same(
    seen.map(({ body }) => body),
    ['b1', 'b2', 'b2', 'b3', 'b4'],
  )
  const dead = await openServer(t, (request) => request.socket.destroy())
  const lost = await replay(t, requests.slice(0, 1), ['--to', dead.to])
  t.equal(lost.exitCode, 1)
  t.match(lost.out, /1 x no answer.*\n.*no answer now/)
})

t.test('scrubbed media are filled up to their size', async (t) => {
  const { seen, to } = await openServer(t)
  const scrubbed = { sizeBytes: 500, lengthBytes: 500, isScrubbed: true } as const
  const request = requestOf(1, '', { ...scrubbed, chunks: [[11, 200], [12, 300]] }) // prettier-ignore
  const end = { at: 1, requestCount: 1, bodyBytes: 500, unfinishedCount: 0 }
  const tape = bytesOf([[HEAD], [request], [{ type: 'end', ...end }]])
  t.equal((await replay(t, tape, ['--to', to])).exitCode, 0)
  const body = Buffer.from(seen[0]?.body ?? '', 'latin1')
  t.equal(body.length, 500)
  t.same([body[0], body[188], body[376]], [0x47, 0x47, 0x47])
})

t.test('loops count, and Enter steps', async (t) => {
  const { seen, to } = await openServer(t)
  const requests = [
    [requestOf(1, 'x', { path: '1.ts' }), 'x'],
    [requestOf(2, 'x', { path: 'a.m3u8' }), 'x'],
    [requestOf(3, 'x', { path: '2.ts' }), 'x'],
  ] as const
  const looped = await replay(t, requests, ['--to', to, '--loops', '3', '--json'])
  t.match(JSON.parse(looped.out), { loopCount: 3, requestCount: 9 })
  t.equal(seen.splice(0).length, 9)
  const stepped = await replay(t, requests, ['--to', to, '--step', 'request'], { stdin: '\n\n' })
  t.match(stepped.err, /PUT 1\.ts \(1 B\) +Enter sends it/)
  t.same(
    seen.splice(0).map(({ url }) => url),
    ['/live/1.ts', '/live/a.m3u8'],
    'two, then no more came',
  )
  await replay(t, requests, ['--to', to, '--step', 'segment'], { stdin: '\n\n' })
  t.equal(seen.length, 3)
})

t.test('a tape that is packed, cut or a bomb', async (t) => {
  const { seen, to } = await openServer(t)
  const tape = tapeOf([
    [requestOf(1, 'abc'), 'abc'],
    [requestOf(2, 'def'), 'def'],
  ])
  t.equal((await replay(t, gzipSync(tape), ['--to', to])).exitCode, 0)
  t.equal(seen.splice(0).length, 2)
  const packed = gzipSync(tape)
  const cutAt = tape.indexOf('{"type":"end"')
  for (const cut of [
    tape.subarray(0, cutAt),
    gzipSync(tape.subarray(0, cutAt)),
    packed.subarray(0, packed.length - 12),
  ]) {
    const refused = await replay(t, cut, ['--to', to])
    t.equal(refused.exitCode, 1)
    t.match(
      refused.err,
      /HW_TAPE_INVALID.*cut short: (?:\d requests are|one request is) whole.*\n.*--accept-cut/,
    )
    t.equal(seen.length, 0, 'nothing was sent')
    const played = await replay(t, cut, ['--to', to, '--accept-cut'])
    t.match(played.err, 'warning: The tape was cut short')
    t.ok(seen.splice(0).length > 0)
  }
  const damaged = Buffer.from(packed)
  damaged.fill(0xff, 20, 40)
  t.match((await replay(t, damaged, ['--to', to])).err, /HW_TAPE_INVALID.*damaged/)
  const bomb = gzipSync(Buffer.concat([bytesOf([[HEAD]]), Buffer.alloc(40_000_000, 0x20)]))
  t.match((await replay(t, bomb, ['--to', to])).err, /HW_TAPE_INVALID/)
  const body = 'x'.repeat(30_000_000)
  const fat = gzipSync(tapeOf([[requestOf(1, body), body]]))
  t.match((await replay(t, fat, ['--to', to])).err, /HW_TAPE_INVALID.*200 times/)
  t.equal(seen.length, 0)
})

t.test('command lines that make no sense, and an origin that is not there', async (t) => {
  const to = ['--to', 'http://127.0.0.1:1/live']
  const lost = await replay(t, ONE, to)
  t.equal(lost.exitCode, 1)
  t.match(lost.err, /HW_REPLAY_UNREACHABLE.*127\.0\.0\.1:1/)
  for (const argv of [
    [],
    ['--to', 'ftp://a/b'],
    ['--to', 'http://user:key@a/b'],
    ['--to', 'http://a/b?token=x'],
    [...to, '--loop', '--loops', '2'],
    [...to, '--loops', '0'],
    [...to, '--step', 'minute'],
    [...to, '--auth', 'digest'],
    [...to, 'another.tape'],
  ]) {
    t.equal((await replay(t, ONE, argv)).exitCode, 2, argv.join(' '))
  }
  const cwd = t.testdir({})
  t.equal((await cli(['replay', 'x', ...to, '--speed', '0'], { cwd })).exitCode, 2)
  t.match((await cli(['replay', 'absent.tape', ...to], { cwd })).err, 'HW_TAPE_FILE')
  t.match((await cli(['replay', '.', ...to], { cwd })).err, /HW_TAPE_FILE.*no file/)
  t.equal((await replay(t, ONE, to, { env: { HEADWATER_API_KEY: 'a b' } })).exitCode, 2)
})
