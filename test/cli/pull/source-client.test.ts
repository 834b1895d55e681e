import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib'
import type { LookupAddress } from 'node:dns'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { AddressRules } from '../../../src/cli/pull/address-rules.ts'
import { SourceClient } from '../../../src/cli/pull/source-client.ts'
import type { SourceAsk, SourceClientOptions } from '../../../src/cli/pull/source-client.ts'
import { SourceCredentials } from '../../../src/cli/pull/source-url.ts'
import { HlsSource } from './hls-source.ts'

interface Options extends Partial<SourceClientOptions> {
  readonly allowPrivate?: boolean
  readonly allowed?: readonly string[]
  readonly source?: string
}

function openClient(t: Test, options: Options = {}): SourceClient {
  const { allowPrivate = true, allowed = [], source = 'http://x.test/' } = options
  const client = new SourceClient({
    rules: new AddressRules({ allowPrivate, allowed }),
    credentials: new SourceCredentials(new URL(source)),
    clock: systemClock,
    connectionsMax: 4,
    ...options,
  })
  t.teardown(() => client.close())
  return client
}

const ask = (url: string, more: Partial<SourceAsk> = {}): SourceAsk => ({
  url: new URL(url),
  bodyBytesMax: 1000,
  answerMsMax: 20_000,
  ...more,
})

t.test('a private address is refused before anything is sent, in any spelling', async (t) => {
  const source = await HlsSource.open(t)
  const client = openClient(t, { allowPrivate: false })
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost']) {
    const outcome = await client.get(ask(`http://${host}:${source.port}/a`))
    t.match(outcome, { kind: 'failed', cause: 'refused' }, host)
  }
  t.equal(source.asked.length, 0)
})

t.test('a name that is rebound gains nothing', async (t) => {
  const source = await HlsSource.open(t)
  let count = 0
  const answers: readonly (readonly LookupAddress[])[] = [
    [{ address: '127.0.0.1', family: 4 }],
    [
      { address: '10.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ],
  ]
  const client = openClient(t, {
    allowPrivate: false,
    resolve: (_host, _options, done) => done(null, answers[count++ % 2] ?? []),
  })
  for (let index = 0; index < 4; index++) {
    const outcome = await client.get(ask(`http://rebound.test:${source.port}/a`))
    t.match(outcome, { kind: 'failed', cause: 'refused', reason: /which a pull may not ask/ })
  }
  t.equal(source.asked.length, 0)
})

t.test('of several addresses only those are tried that may be', async (t) => {
  const source = await HlsSource.open(t, '127.0.0.2')
  source.set({ '/a': 'there' })
  const inner = await HlsSource.open(t)
  const client = openClient(t, {
    allowPrivate: false,
    allowed: ['127.0.0.2'],
    resolve: (_host, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]),
  })
  t.match(await client.get(ask(`http://both.test:${source.port}/a`)), { kind: 'answer' })
  t.match(await client.get(ask(`http://both.test:${inner.port}/a`)), { kind: 'failed' })
  t.equal(inner.asked.length, 0)
})

t.test('redirects: five, each checked, http and https alone', async (t) => {
  const source = await HlsSource.open(t, '127.0.0.2')
  const inner = await HlsSource.open(t)
  const to = (location: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(302, { location }).end()
  }
  source.set({
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`/${n}`, to(`/${n + 1}`)])),
    '/6': 'the end',
    '/0': to('/1'),
    '/inner': to(`http://127.0.0.1:${inner.port}/`),
    '/file': to('file:///etc/passwd'),
    '/nowhere': (_, response) => response.writeHead(301).end(),
  })
  const client = openClient(t, { allowPrivate: false, allowed: ['127.0.0.2'] })
  const base = `http://127.0.0.2:${source.port}`
  t.match(await client.get(ask(`${base}/1`)), { kind: 'answer', url: new URL(`${base}/6`) })
  t.match(await client.get(ask(`${base}/0`)), { cause: 'refused', reason: /more than 5 times/ })
  t.match(await client.get(ask(`${base}/inner`)), { cause: 'refused', reason: /this machine/ })
  t.match(await client.get(ask(`${base}/file`)), { cause: 'refused', reason: /no http or https/ })
  t.match(await client.get(ask(`${base}/nowhere`)), { cause: 'refused' })
  t.equal(inner.asked.length, 0)
})

t.test('credentials of the source go to its origin alone', async (t) => {
  const [source, other] = [await HlsSource.open(t), await HlsSource.open(t)]
  source.set({ '/there': (_, response) => response.writeHead(302, { location: other.url }).end() })
  const client = openClient(t, { source: `http://me:p%40ss@127.0.0.1:${source.port}/live.m3u8` })
  await client.get(ask(`${source.url}/segment.ts`))
  await client.get(ask(`${source.url}/there`))
  await client.get(ask(`http://you:two@127.0.0.1:${other.port}/own`))
  const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
  t.strictSame(
    source.asked.map(({ headers }) => headers.authorization),
    [basic, basic],
  )
  t.strictSame(
    other.asked.map(({ headers }) => headers.authorization),
    [undefined, `Basic ${Buffer.from('you:two').toString('base64')}`],
  )
})

t.test('bodies: at the bound and over it, declared or endless, packed or not', async (t) => {
  const source = await HlsSource.open(t)
  const packed = (coding: string, body: Buffer) =>
    ((_: unknown, response: ServerResponse) => {
      response.writeHead(200, { 'content-encoding': coding }).end(body)
    }) as never
  let sentBytes = 0
  source.set({
    '/fits': Buffer.alloc(1000, 1),
    '/over': Buffer.alloc(1001, 1),
    '/endless': (_, response) => {
      const push = () => {
        sentBytes += 65_536
        if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(push))
      }
      push()
    },
    '/gzip': packed('gzip', gzipSync('text')),
    '/deflate': packed('deflate', deflateSync('text')),
    '/br': packed('br', brotliCompressSync('text')),
    '/bomb': packed('gzip', gzipSync(Buffer.alloc(50_000_000))),
    '/broken': packed('gzip', Buffer.from('no gzip')),
    '/odd': packed('lzma', Buffer.from('?')),
    '/cut': (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('some')
      setImmediate(() => response.destroy())
    },
  })
  const client = openClient(t)
  t.match(await client.get(ask(`${source.url}/fits`)), { kind: 'answer' })
  for (const name of ['over', 'endless', 'bomb']) {
    const outcome = await client.get(ask(`${source.url}/${name}`))
    t.match(outcome, { kind: 'failed', reason: 'it is larger than 1000 bytes' }, name)
  }
  t.ok(sentBytes < 20_000_000, 'the endless one was cut')
  for (const name of ['gzip', 'deflate', 'br']) {
    const outcome = await client.get(ask(`${source.url}/${name}`, { isText: true }))
    t.equal(outcome.kind === 'answer' && outcome.body.toString(), 'text', name)
  }
  for (const name of ['broken', 'odd', 'cut']) {
    t.match(
      await client.get(ask(`${source.url}/${name}`)),
      { kind: 'failed', cause: 'broken' },
      name,
    )
  }
})

t.test('a source that is silent, or drips, or has gone', async (t) => {
  const source = await HlsSource.open(t)
  source.set({
    '/silent': () => undefined,
    '/drips': (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    },
  })
  const client = openClient(t, { idleMsMax: 200 })
  t.match(await client.get(ask(`${source.url}/silent`)), { kind: 'failed', reason: 'it is silent' })
  const dripping = await client.get(ask(`${source.url}/drips`, { answerMsMax: 600 }))
  t.match(dripping, { kind: 'failed', reason: /no whole answer within/ })
  t.match(await client.get(ask('http://127.0.0.1:1/')), { reason: 'nothing listens there' })
  t.match(await openClient(t).get(ask('http://name.invalid/')), { kind: 'failed', cause: 'broken' })
})

t.test('conditional requests, ranges, and what statuses mean', async (t) => {
  const source = await HlsSource.open(t)
  source.set({
    '/a': (request, response) => {
      if (request.headers['if-none-match'] === '"1"') return response.writeHead(304).end()
      return response.writeHead(200, { etag: '"1"', 'content-type': 'video/mp2t' }).end('abc')
    },
    '/r': (request, response) => {
      t.equal(request.headers.range, 'bytes=2-4')
      response.writeHead(206, { 'content-range': 'bytes 2-4/9' }).end('cde')
    },
    '/short': (_, response) => response.writeHead(206).end('c'),
    '/whole': 'abcdefghi',
    '/busy': (_, response) => response.writeHead(503, { 'retry-after': '1000' }).end(),
    '/gone': 410,
    '/no': 403,
  })
  const client = openClient(t)
  const first = await client.get(ask(`${source.url}/a`))
  t.match(first, { kind: 'answer', contentType: 'video/mp2t' })
  const known = first.kind === 'answer' ? first.validators : undefined
  t.strictSame(await client.get(ask(`${source.url}/a`, { known })), { kind: 'unchanged' })
  const range = { offsetBytes: 2, lengthBytes: 3 }
  for (const name of ['r', 'whole']) {
    const outcome = await client.get(ask(`${source.url}/${name}`, { range }))
    t.equal(outcome.kind === 'answer' && outcome.body.toString(), 'cde', name)
  }
  const short = await client.get(ask(`${source.url}/short`, { range }))
  t.match(short, { kind: 'failed', reason: 'only 1 of 3 bytes came' })
  const far = { offsetBytes: 100 * 1024 * 1024, lengthBytes: 3 }
  const skipped = await client.get(ask(`${source.url}/whole`, { range: far }))
  t.match(skipped, { kind: 'failed', reason: 'it does not know byte ranges' })
  t.match(await client.get(ask(`${source.url}/gone`)), { cause: 'gone', statusCode: 410 })
  t.match(await client.get(ask(`${source.url}/no`)), { cause: 'broken', statusCode: 403 })
  t.match(await client.get(ask(`${source.url}/busy`)), { cause: 'busy', retryAfterSeconds: 300 })
  const count = source.asked.length
  t.match(await client.get(ask(`${source.url}/a`)), { cause: 'busy', reason: /asked for a pause/ })
  t.equal(source.asked.length, count, 'nobody is asked in the pause')
})
