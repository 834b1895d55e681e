import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ClientAddresses } from '../../src/auth/client-address.ts'
import { HeadwaterError } from '../../src/base/errors.ts'
import { createLogger } from '../../src/base/log.ts'
import { ACCESS_LOG_BUFFER_BYTES_MAX, AccessLog } from '../../src/http/access-log.ts'
import type { StorageKind } from '../../src/http/access-log-entry.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recorded } from '../support/recorded.ts'

interface OpenOptions {
  readonly sample?: number
  readonly random?: () => number
  readonly storage?: StorageKind
}

async function open(t: Test, options: OpenOptions = {}) {
  const path = join(t.testdir(), 'access.log')
  const clock = new ManualClock()
  const warnings: string[] = []
  const log = await AccessLog.open({
    path,
    sample: options.sample ?? 1,
    random: options.random,
    storage: options.storage ?? 'memory',
    clientAddresses: new ClientAddresses([]),
    clock,
    log: createLogger('warn', { write: (line: string) => warnings.push(line) }),
  })
  const lines = async (file = path) => {
    const text = await readFile(file, 'utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>)
  }
  t.teardown(() => log.close())
  return { path, clock, log, lines, warnings }
}

t.test("a read in the fields of Momento's Object Store, and ours", async (t) => {
  const { clock, log, lines } = await open(t)
  log.requestEnded(
    recorded(clock, {
      url: '/cache/live-origin/v/seg_1.ts?CMCD=br%3D2500%2Cbs%2Csid%3D%22abc%22&token=not-in-the-log',
      headers: { 'user-agent': 'Player/1', 'x-amz-cf-id': 'abc_-=' },
      keyId: 'viewer',
      bytesOut: 1000,
      objectAgeMs: 1234.5,
      source: 'store',
    }),
  )
  await log.close()
  t.strictSame(await lines(), [
    {
      timestamp: 1768478400000,
      operation: 'get_object',
      store: 'live-origin',
      key: 'v/seg_1.ts',
      persistence: 'ephemeral',
      status: 'cache_hit',
      storage: 'memory',
      http_status_code: 200,
      size: 1000,
      object_age_us: 1234500,
      total_time_us: 0,
      request_id: `${(1768478400000).toString(36)}-1`,
      first_byte_us: 0,
      method: 'GET',
      client_address: '192.0.2.10',
      key_id: 'viewer',
      user_agent: 'Player/1',
      upstream_request_id: 'abc_-=',
      cmcd: { br: 2500, bs: true, sid: 'abc' },
    },
  ])
})

t.test('what memory did not have is a hit of the storage behind it', async (t) => {
  const { clock, log, lines } = await open(t, { storage: 'disk' })
  log.requestEnded(recorded(clock, { source: 'store', isReadThrough: true }))
  log.requestEnded(recorded(clock, { source: 'store' }))
  log.requestEnded(recorded(clock, { source: 'upload' }))
  log.requestEnded(
    recorded(clock, { statusCode: 404, reason: 'key-not-found', isReadThrough: true }),
  )
  await log.close()
  const written = (await lines()).map(({ status, storage, persistence }) => [
    ...[status, storage, persistence],
  ])
  t.same(written, [
    ['storage_hit', 'disk', 'durable'],
    ['cache_hit', 'memory', 'durable'],
    ['cache_hit', undefined, 'durable'],
    ['miss', undefined, 'durable'],
  ])
})

t.test("how a request ended, in Momento's words", async (t) => {
  const { clock, log, lines } = await open(t)
  const cases = [
    [{ method: 'PUT', statusCode: 204, bytesIn: 7 }, 'put_object', 'ok', 7],
    [{ method: 'DELETE', statusCode: 204 }, 'delete_object', 'ok', 0],
    [{ method: 'OPTIONS', statusCode: 204 }, 'other', 'ok', 0],
    [{ statusCode: 304 }, 'get_object', 'cache_hit', 0],
    [{ statusCode: 404, reason: 'key-not-found' }, 'get_object', 'miss', 0],
    [{ statusCode: 404, reason: 'stale' }, 'get_object', 'miss', 0],
    [{ statusCode: 404, reason: 'cache-not-found' }, 'get_object', 'bad_request', 0],
    [{ statusCode: 401, reason: 'credential-missing' }, 'get_object', 'authz_error', 0],
    [{ statusCode: 403, reason: 'permission-denied' }, 'get_object', 'authz_error', 0],
    [{ statusCode: 429, reason: 'reads-per-second' }, 'get_object', 'operations_rate_limited', 0],
    [
      { statusCode: 429, reason: 'write-bytes-per-second' },
      'get_object',
      'throughput_rate_limited',
      0,
    ],
    [{ statusCode: 503, reason: 'overloaded' }, 'get_object', 'internal_error', 0],
    [
      { method: 'PUT', statusCode: 0, reason: 'body-incomplete', isComplete: false },
      'put_object',
      'bad_request',
      0,
    ],
  ] as const
  for (const [change] of cases) log.requestEnded(recorded(clock, change))
  await log.close()
  const written = await lines()
  t.equal(written.length, cases.length)
  cases.forEach(([, operation, status, size], index) => {
    t.match(written[index], { operation, status, size })
  })
  t.match(written.at(-1), { aborted: true, reason: 'body-incomplete' })
})

t.test('reads that went well are sampled; everything else is there', async (t) => {
  let draws = 0
  const { clock, log, lines } = await open(t, {
    sample: 0.01,
    random: () => {
      draws++
      // A gap of 100 each time: 1 + floor(ln(0.3697) / ln(0.99)).
      return 0.63
    },
  })
  for (let index = 0; index < 1000; index++) log.requestEnded(recorded(clock))
  for (let index = 0; index < 5; index++) {
    log.requestEnded(recorded(clock, { method: 'PUT', statusCode: 204 }))
    log.requestEnded(recorded(clock, { statusCode: 404, reason: 'key-not-found' }))
    log.requestEnded(recorded(clock, { isComplete: false }))
  }
  await log.close()
  const written = await lines()
  t.equal(written.filter(({ status, aborted }) => status === 'cache_hit' && !aborted).length, 10)
  t.equal(written.length, 25)
  t.equal(draws, 11)
})

t.test('a sample of 0 has no good read, of 1 all; a random one about its share', async (t) => {
  const none = await open(t, { sample: 0 })
  for (let index = 0; index < 100; index++) none.log.requestEnded(recorded(none.clock))
  await none.log.close()
  t.strictSame(await none.lines(), [])
  const some = await open(t, { sample: 0.5 })
  for (let index = 0; index < 2000; index++) some.log.requestEnded(recorded(some.clock))
  t.ok(some.log.stats.lineCount > 700 && some.log.stats.lineCount < 1300)
})

t.test('rotation: after a rename it goes on in a new file, and no line is lost', async (t) => {
  const { path, clock, log, lines } = await open(t)
  for (let index = 0; index < 10; index++) log.requestEnded(recorded(clock))
  await rename(path, `${path}.1`)
  log.reopen()
  for (let index = 0; index < 10; index++) log.requestEnded(recorded(clock))
  await log.close()
  const ids = [...(await lines(`${path}.1`).catch(() => [])), ...(await lines())]
  t.equal(new Set(ids.map((line) => line['request_id'])).size, 20)
  t.ok((await lines()).length > 0, 'the new file has lines')
})

t.test(
  'what the disk does not take in time is dropped and counted, once a minute in the log',
  async (t) => {
    const { clock, log, warnings } = await open(t)
    const line = recorded(clock, { url: `/cache/c/${'k'.repeat(250)}` })
    // In one turn nothing is written: all of it stays in the buffer.
    const enough = Math.ceil(ACCESS_LOG_BUFFER_BYTES_MAX / 500)
    for (let index = 0; index < enough; index++) log.requestEnded(line)
    t.ok(log.stats.droppedCount > 0)
    t.equal(warnings.filter((text) => text.includes('access log lines dropped')).length, 1)
  },
)

t.test('a file that cannot be written stops the start, and says why', async (t) => {
  const directory = t.testdir()
  const options = {
    sample: 1,
    storage: 'memory',
    clientAddresses: new ClientAddresses([]),
    clock: new ManualClock(),
    log: createLogger('silent'),
  } as const
  await mkdir(join(directory, 'taken'))
  for (const path of [join(directory, 'none', 'access.log'), join(directory, 'taken')]) {
    const error = await AccessLog.open({ ...options, path }).catch((reason: unknown) => reason)
    t.ok(error instanceof HeadwaterError && error.code === 'HW_START_ACCESS_LOG')
    t.match((error as HeadwaterError).detail, 'accessLog.path')
  }
})

t.test('requests that end after the close, and a second close, do nothing', async (t) => {
  const { clock, log, lines } = await open(t)
  await log.close()
  log.requestEnded(recorded(clock))
  log.reopen()
  await log.close()
  t.strictSame(await lines(), [])
})
