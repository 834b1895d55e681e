import t from 'tap'
import { ClientAddresses } from '../../src/auth/client-address.ts'
import {
  RECENT_REQUESTS_MAX,
  RECENT_REQUESTS_PER_CLIENT_MAX,
  RecentRequests,
} from '../../src/http/recent-requests.ts'
import type { RecentRequest } from '../../src/http/recent-requests.ts'
import { recorded } from '../support/recorded.ts'
import { ManualClock } from '../support/manual-clock.ts'

function open() {
  const clock = new ManualClock()
  const recent = new RecentRequests({
    clock,
    clientAddresses: new ClientAddresses(['10.9.9.9']),
    publicUrl: () => 'http://origin.test',
  })
  const end = (change: Parameters<typeof recorded>[1] = {}) =>
    recent.requestEnded(recorded(clock, change))
  return { clock, recent, end }
}

t.test('a miss is kept with who, what, why and what to do', async (t) => {
  const { recent, end } = open()
  end({
    url: '/cache/live-origin/a/seg_7.ts?token=secret-token-of-a-viewer',
    headers: { 'user-agent': 'Player/1', 'x-forwarded-for': '203.0.113.7' },
    remoteAddress: '10.9.9.9',
    keyId: 'viewer',
    statusCode: 404,
    reason: 'key-not-found',
  })
  const [request, ...others] = recent.list()
  t.strictSame(others, [])
  t.match(request, {
    at: '2026-01-15T12:00:00.000Z',
    firstAt: '2026-01-15T12:00:00.000Z',
    count: 1,
    clientAddress: '203.0.113.7',
    method: 'GET',
    operation: 'read',
    cache: 'live-origin',
    key: 'a/seg_7.ts',
    keyId: 'viewer',
    statusCode: 404,
    reason: 'key-not-found',
    sentence: /^Nothing is stored/,
    userAgent: 'Player/1',
    detail: null,
  })
  t.notMatch(JSON.stringify(request), 'secret-token')
})

t.test('what was answered as asked is not kept', async (t) => {
  const { recent, end } = open()
  end({ statusCode: 200 })
  end({ statusCode: 200, isComplete: false })
  t.strictSame(recent.list(), [])
})

t.test('a looping encoder is one entry with a count, and pushes nothing out', async (t) => {
  const { clock, recent, end } = open()
  end({ url: '/cache/live-origin/other.ts', statusCode: 404, reason: 'key-not-found' })
  for (let number = 0; number < 2000; number++) {
    end({
      method: 'PUT',
      url: `/cache/live-origin/v1/seg_${number}.ts`,
      remoteAddress: '192.0.2.1',
      statusCode: 403,
      reason: 'permission-denied',
    })
    clock.advance(10)
  }
  const [looping, other] = recent.list()
  t.match(looping, { count: 2000, key: 'v1/seg_1999.ts', firstAt: /12:00:00/, at: /12:00:19/ })
  t.match(looping?.commands, [/role readwrite/])
  t.match(other, { key: 'other.ts', count: 1 })
})

t.test('the list is bounded, and one client has a part of it', async (t) => {
  const { recent, end } = open()
  const miss = (name: string, remoteAddress: string) =>
    end({ url: `/cache/c/${name}`, remoteAddress, statusCode: 404, reason: 'key-not-found' })
  miss('kept', '192.0.2.200')
  for (let index = 0; index < RECENT_REQUESTS_PER_CLIENT_MAX + 50; index++) {
    miss(`scan-${letters(index)}`, '192.0.2.1')
  }
  t.equal(recent.list().length, RECENT_REQUESTS_PER_CLIENT_MAX + 1)
  t.ok(recent.list().some(({ key }) => key === 'kept'))
  for (let index = 0; index < RECENT_REQUESTS_MAX * 2; index++) {
    miss(letters(index), `192.0.${index >> 8}.${index & 255}`)
  }
  t.equal(recent.list().length, RECENT_REQUESTS_MAX)
  t.notOk(recent.list().some(({ key }) => key === 'kept'))
  miss(letters(0), '192.0.2.1')
  t.equal(recent.list().length, RECENT_REQUESTS_MAX)
})

t.test('by cache, by status or its class, by what the asker may see, so many', async (t) => {
  const { recent, end } = open()
  end({ url: '/cache/a/x', statusCode: 404, reason: 'key-not-found' })
  end({ url: '/cache/b/x', statusCode: 404, reason: 'key-not-found' })
  end({ url: '/cache/b/x', statusCode: 403, reason: 'permission-denied' })
  end({ url: '/cache/b/x', statusCode: 503, reason: 'overloaded' })
  const counts = (query: Parameters<typeof recent.list>[0]) => recent.list(query).length
  t.equal(counts({ cache: 'b' }), 3)
  t.equal(counts({ status: 404 }), 2)
  t.equal(counts({ status: 4 }), 3)
  t.equal(counts({ status: 5, cache: 'a' }), 0)
  t.equal(counts({ limit: 2 }), 2)
  t.equal(counts({ maySee: (name) => name === 'a' }), 1)
  t.match(recent.list({ limit: 1 }), [{ reason: 'overloaded' }])
})

t.test('listeners hear of the new and, once a second, of repeats', async (t) => {
  const { clock, recent, end } = open()
  const heard: RecentRequest[] = []
  recent.events.on('request', (request) => heard.push(request))
  const miss = () => end({ statusCode: 404, reason: 'key-not-found' })
  miss()
  miss()
  clock.advance(999)
  miss()
  t.strictSame(
    heard.map(({ count }) => count),
    [1],
  )
  clock.advance(1)
  miss()
  t.strictSame(
    heard.map(({ count }) => count),
    [1, 4],
  )
})

t.test('a 401 and then the same upload with its key was a login', async (t) => {
  const { clock, recent, end } = open()
  const put = { method: 'PUT', url: '/cache/c/v/seg_1.ts' }
  const challenge = () => end({ ...put, statusCode: 401, reason: 'credential-missing' })
  challenge()
  end({ ...put, url: '/cache/c/v/seg_2.ts', statusCode: 204 })
  end({ ...put, remoteAddress: '192.0.2.77', statusCode: 204 })
  t.equal(recent.list().length, 1)
  end({ ...put, statusCode: 204 })
  t.strictSame(recent.list(), [])
  challenge()
  clock.advance(30_001)
  end({ ...put, statusCode: 204 })
  t.equal(recent.list().length, 1, 'too late for a login')
  challenge()
  end({ ...put, statusCode: 204 })
  t.match(recent.list(), [{ count: 1 }])
})

t.test('a segment that was waited for says so', async (t) => {
  const { recent, end } = open()
  end({ statusCode: 404, reason: 'key-not-found', heldMs: 2000 })
  t.match(recent.list(), [{ sentence: /did not come within 2\.0 s/ }])
})

t.test('a target that names nothing, a client that left, a long detail', async (t) => {
  const { recent, end } = open()
  end({ url: '/cache/a%2Fb/x', statusCode: 400, reason: 'cache-name-invalid' })
  end({ method: 'PUT', statusCode: 0, reason: 'body-incomplete', isComplete: false })
  end({ statusCode: 422, reason: 'playlist-invalid', detail: 'x'.repeat(1000) })
  t.match(recent.list(), [
    { detail: /^x{300}…$/ },
    { statusCode: 0, reason: 'body-incomplete' },
    { cache: '', key: '' },
  ])
})

/** Names that differ in more than their digits. */
function letters(index: number): string {
  return index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)))
}
