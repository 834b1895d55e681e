import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { createLogger } from '../../src/base/log.ts'
import { parseCacheName, parseItemKey, toStoreKey } from '../../src/base/names.ts'
import { OriginEvents } from '../../src/origin/events.ts'
import type { ChannelChange, WriteRefusal } from '../../src/origin/events.ts'
import {
  WEBHOOK_ATTEMPTS_MAX,
  WEBHOOK_QUEUE_MAX,
  WEBHOOK_TIMEOUT_MS,
} from '../../src/http/webhook-sender.ts'
import { WEBHOOK_GROUPS_MAX, WEBHOOK_SUM_UP_MS, Webhooks } from '../../src/http/webhooks.ts'
import type { WebhookTarget } from '../../src/http/webhooks.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SECRET = 'a-secret-of-the-receiver'

interface Call {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly json: {
    readonly id: string
    readonly type: string
    readonly data: Record<string, unknown>
  }
}

/** A receiver that answers as told, one answer per call; 204 when none is told. */
async function receiver(t: Test) {
  const calls: Call[] = []
  const answers: ((response: ServerResponse) => void)[] = []
  let told = () => undefined as void
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { url = '', headers } = request
      calls.push({ url, headers, body, json: JSON.parse(body) as Call['json'] })
      const answer = answers.shift() ?? ((ended) => ended.writeHead(204).end())
      answer(response)
      told()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const until = async (count: number) => {
    while (calls.length < count) await new Promise<void>((resolve) => (told = resolve))
  }
  return { url: `http://127.0.0.1:${port}/hook?key=in-the-url`, calls, answers, until }
}

function open(t: Test, targets: readonly Partial<WebhookTarget>[]) {
  const clock = new ManualClock()
  const events = new OriginEvents()
  const logged: string[] = []
  const webhooks = new Webhooks({
    targets: targets.map((target) => ({ url: '', secret: SECRET, events: [], ...target })),
    events,
    clock,
    log: createLogger('info', { write: (line: string) => logged.push(line) }),
    publicUrl: () => 'http://origin.test',
  })
  t.teardown(() => webhooks.close())
  /** Until the sender has done what it can without time passing. */
  const until = async (isSo: (stats: (typeof webhooks.stats)[number]) => boolean) => {
    for (;;) {
      const [stats] = webhooks.stats
      if (stats !== undefined && isSo(stats)) return stats
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, events, webhooks, logged, until }
}

const cacheName = parseCacheName('live-origin')
const itemKey = (name: string) => parseItemKey(name)

function channel(state: ChannelChange['state'], key = 'a.m3u8'): ChannelChange {
  if (cacheName === undefined) throw new Error('unreachable')
  const facts = { renditionCount: 3, targetDurationSeconds: 2, lastWriteAgeSeconds: 0.12345 }
  return { cacheName, key, state, ...facts, detail: '' }
}

function refusal(change: Partial<WriteRefusal> = {}): WriteRefusal {
  return {
    cacheName: 'live-origin',
    key: 'seg_1.ts',
    reason: 'permission-denied',
    statusCode: 403,
    clientAddress: '192.0.2.1',
    userAgent: 'Lavf/60',
    hadQueryToken: false,
    hadHeaderCredential: true,
    expectsContinue: false,
    ...change,
  }
}

t.test('a channel that goes live: one signed call that a receiver can verify', async (t) => {
  const { url, calls, until } = await receiver(t)
  const { events } = open(t, [{ url }])
  events.emit('channel-changed', channel('live'))
  await until(1)
  const [call] = calls
  t.match(call, { url: '/hook?key=in-the-url', headers: { 'content-type': 'application/json' } })
  t.match(call?.json, {
    id: /^evt_[0-9a-f-]{36}$/,
    type: 'live',
    at: '2026-01-15T12:00:00.000Z',
    data: {
      origin: 'http://origin.test',
      cache: 'live-origin',
      channel: 'a.m3u8',
      renditionCount: 3,
      lastWriteAgeSeconds: 0.123,
    },
  })
  const id = String(call?.headers['webhook-id'])
  const timestamp = String(call?.headers['webhook-timestamp'])
  t.equal(id, call?.json.id)
  t.equal(timestamp, String(Date.UTC(2026, 0, 15, 12) / 1000))
  const expected = createHmac('sha256', SECRET).update(`${id}.${timestamp}.${call?.body}`)
  t.equal(call?.headers['webhook-signature'], `v1,${expected.digest('base64')}`)
})

t.test('a secret in the form of the specification is its bytes', async (t) => {
  const { url, calls, until } = await receiver(t)
  const key = Buffer.from('0123456789abcdef')
  const { events } = open(t, [{ url, secret: `whsec_${key.toString('base64')}` }])
  events.emit('channel-changed', channel('stale'))
  await until(1)
  const { headers, body } = first(calls)
  const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const expected = createHmac('sha256', key).update(text).digest('base64')
  t.equal(headers['webhook-signature'], `v1,${expected}`)
})

t.test('a storm of refused writes is one call with a count and the causes', async (t) => {
  const { url, calls, until } = await receiver(t)
  const { clock, events } = open(t, [{ url, events: ['write-refused'] }])
  for (let index = 0; index < 5000; index++) {
    events.emit('write-refused', refusal({ key: `seg_${index}.ts?token=secret-value` }))
  }
  for (let index = 0; index < WEBHOOK_GROUPS_MAX + 10; index++) {
    events.emit('write-refused', refusal({ clientAddress: `198.51.100.${index}` }))
  }
  events.emit('channel-changed', channel('live'))
  clock.advance(WEBHOOK_SUM_UP_MS - 1)
  t.strictSame(calls, [])
  clock.advance(1)
  await until(1)
  const { type, data } = first(calls).json
  t.equal(type, 'write-refused')
  t.equal(data['count'], 5000 + WEBHOOK_GROUPS_MAX + 10)
  const causes = data['causes'] as readonly Record<string, unknown>[]
  t.equal(causes.length, WEBHOOK_GROUPS_MAX)
  t.match(causes[0], {
    count: 5000,
    reason: 'permission-denied',
    statusCode: 403,
    sentence: /may not write/,
    commands: [/key create/],
    key: 'seg_4999.ts?token=[redacted]',
  })
  clock.advance(10 * WEBHOOK_SUM_UP_MS)
  t.equal(calls.length, 1, 'nothing new, no call')
})

t.test('a 401 that the same upload follows with its key was a login', async (t) => {
  const { url, calls, until } = await receiver(t)
  const { clock, events } = open(t, [{ url }])
  const missing = (key: string) => refusal({ key, reason: 'credential-missing', statusCode: 401 })
  events.emit('write-refused', missing('a.ts'))
  events.emit('item-stored', stored('a.ts'))
  clock.advance(WEBHOOK_SUM_UP_MS)
  events.emit('write-refused', missing('b.ts'))
  events.emit('item-stored', stored('c.ts'))
  clock.advance(WEBHOOK_SUM_UP_MS)
  await until(1)
  t.match(calls[0]?.json.data, { count: 1, causes: [{ key: 'b.ts', count: 1 }] })
})

t.test('findings are summed up, too', async (t) => {
  const { url, calls, until } = await receiver(t)
  const { clock, events } = open(t, [{ url, events: ['finding'] }])
  const key = itemKey('v.m3u8')
  if (cacheName === undefined || key === undefined) throw new Error('unreachable')
  const finding = {
    rule: 'target-duration',
    severity: 'error',
    section: '4.4',
    message: 'too long',
  }
  for (let index = 0; index < WEBHOOK_GROUPS_MAX + 1; index++) {
    // Of a finding only these fields are told.
    events.emit('finding', { cacheName, key, finding: finding as never })
  }
  clock.advance(WEBHOOK_SUM_UP_MS)
  await until(1)
  const { data } = first(calls).json
  t.equal(data['count'], WEBHOOK_GROUPS_MAX + 1)
  t.equal((data['findings'] as readonly unknown[]).length, WEBHOOK_GROUPS_MAX)
  t.match(data['findings'], [{ cache: 'live-origin', key: 'v.m3u8', rule: 'target-duration' }])
})

t.test('each receiver has the events it asked for', async (t) => {
  const one = await receiver(t)
  const other = await receiver(t)
  const { events } = open(t, [
    { url: one.url, events: ['stale'] },
    { url: other.url, events: ['live', 'stale'] },
  ])
  events.emit('channel-changed', channel('live'))
  events.emit('channel-changed', channel('ended'))
  events.emit('channel-changed', channel('stale'))
  await one.until(1)
  await other.until(2)
  t.strictSame(
    [one.calls, other.calls].map((calls) => calls.map(({ json }) => json.type)),
    [['stale'], ['live', 'stale']],
  )
})

t.test('a receiver that fails is tried again, later each time, and in order', async (t) => {
  const { url, calls, answers, until } = await receiver(t)
  const { clock, events, until: untilStats } = open(t, [{ url }])
  answers.push(
    (response) => response.writeHead(500).end('no'),
    (response) => response.socket?.destroy(),
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  )
  events.emit('channel-changed', channel('live'))
  events.emit('channel-changed', channel('stale'))
  await untilStats(({ failedAttemptCount }) => failedAttemptCount === 1)
  t.match(await untilStats(() => true), { lastError: 'status 500', queuedCount: 2 })
  clock.advance(1999)
  t.equal(calls.length, 1)
  clock.advance(1)
  await untilStats(({ failedAttemptCount }) => failedAttemptCount === 2)
  clock.advance(8000)
  await untilStats(({ failedAttemptCount }) => failedAttemptCount === 3)
  t.match(await untilStats(() => true), { lastError: 'status 302' })
  clock.advance(32_000)
  await until(5)
  await untilStats(({ deliveredCount }) => deliveredCount === 2)
  t.strictSame(
    calls.map(({ json }) => json.type),
    ['live', 'live', 'live', 'live', 'stale'],
  )
  t.equal(new Set(calls.slice(0, 4).map(({ json }) => json.id)).size, 1, 'one id for all attempts')
  const stamps = calls.map(({ headers }) => Number(headers['webhook-timestamp']))
  t.equal((stamps[3] ?? 0) - (stamps[0] ?? 0), 42, 'each attempt is signed with its own time')
})

t.test(
  'a receiver that never answers costs its timeout; then the event is a dead letter',
  async (t) => {
    const { url, calls, answers, until } = await receiver(t)
    const { clock, events, logged, until: untilStats } = open(t, [{ url }])
    events.emit('channel-changed', channel('live'))
    for (let attempt = 1; attempt <= WEBHOOK_ATTEMPTS_MAX; attempt++) {
      answers.push(() => undefined)
      await until(attempt)
      clock.advance(WEBHOOK_TIMEOUT_MS)
      await untilStats(({ failedAttemptCount }) => failedAttemptCount === attempt)
      clock.advance(300_000)
    }
    const stats = await untilStats(({ deadLetterCount }) => deadLetterCount === 1)
    t.match(stats, { queuedCount: 0, deliveredCount: 0, lastError: 'no answer in time' })
    t.equal(calls.length, WEBHOOK_ATTEMPTS_MAX)
    t.equal(logged.filter((line) => line.includes('webhook not delivered')).length, 1)
    t.notMatch(`${logged.join()}${JSON.stringify(stats)}`, /in-the-url|a-secret-of/)
  },
)

t.test('the queue is bounded: the oldest waiting event goes first, and is counted', async (t) => {
  const { url, calls, answers, until } = await receiver(t)
  const { events, until: untilStats } = open(t, [{ url }])
  let release = () => undefined as void
  answers.push((response) => (release = () => void response.writeHead(200).end()))
  for (let index = 0; index < WEBHOOK_QUEUE_MAX + 20; index++) {
    events.emit('channel-changed', channel('live', `${index}.m3u8`))
  }
  await until(1)
  t.match(await untilStats(() => true), { queuedCount: WEBHOOK_QUEUE_MAX, deadLetterCount: 20 })
  release()
  await untilStats(({ queuedCount }) => queuedCount === 0)
  t.equal(calls.length, WEBHOOK_QUEUE_MAX)
  t.strictSame(
    calls.slice(0, 2).map(({ json }) => json.data['channel']),
    ['0.m3u8', '21.m3u8'],
  )
})

t.test('a port where nobody listens', async (t) => {
  const { events, until } = open(t, [{ url: 'http://127.0.0.1:9/secret-path' }])
  events.emit('channel-changed', channel('live'))
  const { lastError, receiver } = await until(({ failedAttemptCount }) => failedAttemptCount === 1)
  t.type(lastError, 'string')
  t.notMatch(lastError, 'secret-path')
  t.equal(receiver, 'http://127.0.0.1:9')
})

t.test('closing tells what is left, and does not wait for who never answers', async (t) => {
  const { url, calls, answers, until } = await receiver(t)
  const { clock, events, webhooks } = open(t, [{ url, events: ['write-refused'] }])
  events.emit('write-refused', refusal())
  await webhooks.close()
  t.match(calls[0]?.json, { type: 'write-refused', data: { count: 1 } })
  events.emit('write-refused', refusal())
  clock.advance(WEBHOOK_SUM_UP_MS)
  t.equal(calls.length, 1, 'deaf after the close')

  const silent = open(t, [{ url }])
  answers.push(() => undefined)
  silent.events.emit('channel-changed', channel('live'))
  silent.events.emit('channel-changed', channel('stale'))
  await until(2)
  const closed = silent.webhooks.close()
  silent.clock.advance(1000)
  await closed
  t.match(silent.webhooks.stats, [{ deadLetterCount: 2, queuedCount: 0 }])
  t.equal(silent.clock.timerCount, 0)
})

t.test('closing during a pause between attempts ends it', async (t) => {
  const { url, answers } = await receiver(t)
  const { events, webhooks, until } = open(t, [{ url }])
  answers.push((response) => response.writeHead(500).end())
  events.emit('channel-changed', channel('live'))
  await until(({ failedAttemptCount }) => failedAttemptCount === 1)
  await webhooks.close()
  t.match(webhooks.stats, [{ deadLetterCount: 1 }])
})

t.test('without receivers nothing listens', async (t) => {
  const { events } = open(t, [])
  t.strictSame(events.eventNames(), [])
})

function first(calls: readonly Call[]): Call {
  const [call] = calls
  if (call === undefined) throw new Error('there was no call')
  return call
}

/** Only its name is looked at. */
function stored(name: string): StoredItem {
  const key = itemKey(name)
  if (cacheName === undefined || key === undefined) throw new Error('unreachable')
  return { storeKey: toStoreKey(cacheName, key) } as StoredItem
}
