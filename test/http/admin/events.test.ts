import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import type { Grant } from '../../../src/auth/grant.ts'
import { EventStreams, PING_MS } from '../../../src/http/admin/event-streams.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'

const SUPER_USER: Grant = {
  keyId: 'k',
  superUser: true,
  permissions: [],
  admin: undefined,
  expiresAtMs: undefined,
}

/** Reads a stream over a real socket until it ends. */
class Reader {
  text = ''
  ended = false
  #wake: () => void = () => undefined
  readonly abort = new AbortController()

  static async open(url: string, key: string): Promise<Reader> {
    const reader = new Reader()
    const { signal } = reader.abort
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal })
    reader.status = response.status
    reader.type = response.headers.get('content-type') ?? ''
    void reader.#read(response)
    return reader
  }

  status = 0
  type = ''

  async until(pattern: RegExp | 'ended'): Promise<string> {
    while (pattern === 'ended' ? !this.ended : !pattern.test(this.text)) {
      if (this.ended) throw new Error(`ended before ${String(pattern)}: ${this.text}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.text
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) {
        this.text += decoder.decode(chunk as Uint8Array, { stream: true })
        this.#wake()
      }
    } catch {
      // Ignored: aborted by the test, or cut by the server; `ended` says so.
    }
    this.ended = true
    this.#wake()
  }
}

t.test('tells what happens, to each what concerns its caches', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  await origin.createCache('other')
  const url = `${origin.adminUrl}/api/events`
  const all = await Reader.open(url, origin.keys.superUser)
  t.match(all, { status: 200, type: /^text\/event-stream/ })
  const admin = await origin.mintKey({ admin: ['other'] })
  const some = await Reader.open(url, admin.apiKey)
  await Promise.all([all.until(/^event: hello\n/), some.until(/"version":/)])
  const agent = 'x\r\ndata: forged'
  const put = (cache: string) =>
    http(`${origin.dataPlaneUrl}/cache/${cache}/x.m3u8`, {
      method: 'PUT',
      body: 'no playlist',
      headers: { authorization: origin.keys.superUser, 'user-agent': agent.replace(/\W+/g, ' ') },
    })
  await put('live-origin')
  await put('other')
  await http(`${origin.adminUrl}/api/caches/other/flush`, {
    method: 'POST',
    headers: { authorization: origin.keys.superUser },
  })
  await http(`${origin.adminUrl}/api/caches`, {
    method: 'POST',
    body: '{"name":"third"}',
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  await all.until(/"cache":"third","change":"created"/)
  clock.advance(2000)
  for (const reader of [all, some]) await reader.until(/event: metrics\ndata: \{"at":/)
  t.match(all.text, /event: write-refused\ndata: \{.*"cache":"live-origin".*not-a-playlist/)
  t.match(all.text, /event: request\n/)
  t.match(some.text, /event: write-refused\ndata: \{.*"cache":"other"/)
  t.match(some.text, /"cache":"other","change":"flushed"/)
  t.notOk(some.text.includes('live-origin'))
  t.notOk(some.text.includes('third'))
  for (const reader of [all, some]) reader.abort.abort()
})

t.test('a revoked key and an ended session lose their stream within a minute', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const url = `${origin.adminUrl}/api/events`
  const revoked = await origin.mintKey({ superUser: true, keyId: 'short' })
  const expiring = await origin.mintKey({ superUser: true, expiresInSeconds: 50 })
  const readers = [
    await Reader.open(url, revoked.apiKey),
    await Reader.open(url, expiring.apiKey),
    await Reader.open(url, origin.keys.superUser),
  ] as const
  for (const reader of readers) await reader.until(/hello/)
  await origin.revokeKey('short')
  clock.advance(PING_MS)
  await readers[0].until('ended')
  for (let ms = 0; ms < 45_000; ms += PING_MS) clock.advance(PING_MS)
  await readers[1].until('ended')
  await readers[2].until(/: ping\n\n/)
  t.notOk(readers[2].ended)
  readers[2].abort.abort()
})

t.test('faults of a rig are told to who administers everything', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, { rig: { enabled: true } }, { clock })
  const url = `${origin.adminUrl}/api/events`
  const all = await Reader.open(url, origin.keys.superUser)
  const admin = await origin.mintKey({ admin: ['live-origin'] })
  const some = await Reader.open(url, admin.apiKey)
  await Promise.all([all.until(/event: hello/), some.until(/event: hello/)])
  origin.faults?.add({ id: 'brief', action: 'delay', limitSeconds: 5 })
  await all.until(/event: faults\ndata: .*"change":"added","faultId":"brief","action":"delay"/)
  clock.advance(5000)
  await all.until(/"change":"lapsed","faultId":"brief".*"activeCount":0/)
  origin.faults?.add({ action: 'no-cors' })
  origin.faults?.clear()
  await all.until(/"change":"cleared"/)
  await origin.createCache('later')
  t.notMatch(some.text, 'faults')
  some.abort.abort()
  all.abort.abort()
})

t.test('streams end when the server stops, in its time', async (t) => {
  const origin = await openOrigin(t)
  const reader = await Reader.open(`${origin.adminUrl}/api/events`, origin.keys.superUser)
  await reader.until(/hello/)
  const closed = origin.close()
  await reader.until('ended')
  await closed
})

/** Streams on a server of their own, with what only the hub can show. */
async function openStreams(t: Test, options: { streamsMax?: number; bufferBytesMax?: number }) {
  const clock = new ManualClock()
  const streams = new EventStreams({ clock, version: '1', ...options })
  const opened: ServerResponse[] = []
  const server = createServer((_request, response) => {
    opened.push(response)
    if (streams.isFull) response.writeHead(429).end()
    else {
      const recheck = () => Promise.resolve(SUPER_USER)
      streams.open({ grant: SUPER_USER, response, recheck })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    streams.close()
    server.closeAllConnections()
    server.close()
  })
  // It listens on a port.
  const { port } = server.address() as AddressInfo
  return { clock, streams, opened, port }
}

t.test('a client that does not read is cut off, and others are not', async (t) => {
  const { clock, streams, opened, port } = await openStreams(t, { bufferBytesMax: 64 * 1024 })
  const deaf = connect(port, '127.0.0.1')
  deaf.pause()
  deaf.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  deaf.on('error', () => undefined)
  const reader = await Reader.open(`http://127.0.0.1:${port}/`, 'x')
  await reader.until(/hello/)
  while (opened.length < 2) await new Promise((resolve) => setImmediate(resolve))
  const data = { text: 'x'.repeat(32 * 1024) }
  for (let count = 0; count < 5000 && streams.stats.droppedCount === 0; count++) {
    clock.advance(1000)
    streams.send('request', data, undefined)
    // Whoever reads has the time to.
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(streams.stats.droppedCount, 1)
  streams.send('cache', { cache: 'still-here' }, 'still-here')
  await reader.until(/still-here/)
  t.equal(streams.stats.open, 1)
  deaf.destroy()
  reader.abort.abort()
})

t.test('streams and events are bounded in number', async (t) => {
  const { clock, streams, port } = await openStreams(t, { streamsMax: 2 })
  const url = `http://127.0.0.1:${port}/`
  const first = await Reader.open(url, 'x')
  const second = await Reader.open(url, 'x')
  t.same([first.status, second.status], [200, 200])
  t.equal((await Reader.open(url, 'x')).status, 429)
  for (let count = 0; count < 60; count++) streams.send('finding', { count }, 'c')
  streams.send('metrics', { last: true }, undefined)
  const text = await first.until(/"last":true/)
  t.equal(text.split('event: finding').length - 1, 50)
  clock.advance(1000)
  streams.send('finding', { later: true }, 'c')
  await first.until(/"later":true/)
  second.abort.abort()
  while (streams.isFull) await new Promise((resolve) => setImmediate(resolve))
  t.equal((await Reader.open(url, 'x')).status, 200, 'a place is free again')
  streams.close()
  await first.until('ended')
  t.ok(streams.isFull, 'a stopping server opens no more')
})
