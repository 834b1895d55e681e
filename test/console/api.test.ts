import t from 'tap'
import { ApiClient, SIGN_IN_PATH, apiPath } from '../../src/console/api/api-client.ts'
import type { ApiClientOptions } from '../../src/console/api/api-client.ts'
import { ApiError, UnreachableError, toSentences } from '../../src/console/api/api-error.ts'
import { backoffMs } from '../../src/console/api/backoff.ts'
import { ServerSentEventReader } from '../../src/console/api/server-sent-events.ts'
import {
  SessionStore,
  maySteer,
  parseSession,
  parseSignInFragment,
} from '../../src/console/api/session.ts'
import type { Session } from '../../src/console/api/session.ts'

const session: Session = {
  session: 'abc',
  expiresAt: '2026-11-21T12:00:00Z',
  superUser: false,
  adminCaches: ['a'],
}

/** A storage in memory; `broken` throws as a blocked one does. */
function storage(broken = false) {
  const kept = new Map<string, string>()
  const check = () => {
    if (broken) throw new Error('blocked')
  }
  return {
    kept,
    getItem: (key: string) => (check(), kept.get(key) ?? null),
    setItem: (key: string, value: string) => (check(), void kept.set(key, value)),
    removeItem: (key: string) => (check(), void kept.delete(key)),
  }
}

function client(answer: () => Response | Promise<Response>, signedIn = true) {
  const told: string[] = []
  const requests: [path: string, init: RequestInit][] = []
  const store = new SessionStore(undefined, () => 0)
  if (signedIn) store.set(session)
  const options: ApiClientOptions = {
    fetch: async (path, init) => {
      requests.push([path as string, init ?? {}])
      return answer()
    },
    session: store,
    onUnauthorized: () => told.push('unauthorized'),
    onReached: () => told.push('reached'),
    onUnreachable: () => told.push('unreachable'),
  }
  return { api: new ApiClient(options), told, requests }
}

t.test('the wait doubles to ten seconds, less up to a quarter', async (t) => {
  t.same(
    [1, 2, 3, 5, 6, 50].map((count) => backoffMs(count, 0)),
    [500, 1000, 2000, 8000, 10_000, 10_000],
  )
  t.equal(backoffMs(1, 1), 375)
  t.equal(backoffMs(0, 0), 500)
})

t.test('events are read from chunks that break anywhere', async (t) => {
  const text = ': ping\r\n\r\nevent: channel\r\ndata: {"a":\r\ndata:1}\r\n\r\ndata: x\n\nid: 7\n\n'
  const expected = [
    { type: 'channel', data: '{"a":\n1}' },
    { type: 'message', data: 'x' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const reader = new ServerSentEventReader()
    const events = []
    for (let at = 0; at < text.length; at += size) {
      events.push(...reader.push(text.slice(at, at + size)))
    }
    t.same(events, expected, `chunks of ${size}`)
  }
  t.throws(() => new ServerSentEventReader().push('x'.repeat(1024 * 1024 + 1)), RangeError)
  t.same(new ServerSentEventReader().push('x'.repeat(1024 * 1024)), [])
})

t.test('a session survives a reload, not its end, and needs no storage', async (t) => {
  const kept = storage()
  const now = Date.parse(session.expiresAt) - 1
  new SessionStore(kept, () => now).set(session)
  t.same(new SessionStore(kept, () => now).get(), session)
  t.equal(new SessionStore(kept, () => now + 1).get(), undefined)
  const again = new SessionStore(kept, () => now)
  again.set(undefined)
  t.equal(kept.kept.size, 0)
  kept.kept.set('headwater.session', '{')
  t.equal(new SessionStore(kept, () => now).get(), undefined)

  const blocked = new SessionStore(storage(true), () => now)
  blocked.set(session)
  t.same(blocked.get(), session)
})

t.test('only a session is taken for one', async (t) => {
  for (const value of [null, 1, {}, { session: '' }, { session: 'a', expiresAt: 'x' }]) {
    t.equal(parseSession(value), undefined, JSON.stringify(value))
  }
  const all = parseSession({ ...session, superUser: true, adminCaches: '*' })
  t.match(all, { superUser: true, adminCaches: '*' })
  t.match(parseSession({ ...session, adminCaches: ['a', 1] }), { adminCaches: ['a'] })
  t.match(parseSession({ ...session, adminCaches: null }), { adminCaches: [] })
  t.same(
    [maySteer(session, 'a'), maySteer(session, 'b'), all !== undefined && maySteer(all, 'b')],
    [true, false, true],
  )
})

t.test('the sign-in link is known by its fragment', async (t) => {
  t.equal(parseSignInFragment('#sign-in=ab.c-_'), 'ab.c-_')
  for (const hash of ['', '#/overview', '#sign-in=', '#sign-in=a b', '#x&sign-in=a']) {
    t.equal(parseSignInFragment(hash), undefined, hash)
  }
})

t.test('a request carries the session in its header and sends JSON', async (t) => {
  const { api, requests, told } = client(() => Response.json({ ok: 1 }))
  t.same(await api.request('/api/x', { method: 'POST', body: { a: 1 } }), { ok: 1 })
  const [path, init] = requests[0] ?? ['', {}]
  t.equal(path, '/api/x')
  t.match(init, {
    method: 'POST',
    body: '{"a":1}',
    headers: { authorization: 'Bearer abc', 'content-type': 'application/json' },
    credentials: 'omit',
  })
  t.same(told, ['reached'])
  const empty = client(() => new Response(null, { status: 204 }), false)
  t.equal(await empty.api.request('/api/x'), undefined)
  t.notMatch(empty.requests[0]?.[1].headers, { authorization: String })
})

t.test("refusals are the server's words; a session that is over signs out", async (t) => {
  const problem = { status: 401, code: 'HW_ADMIN_UNAUTHORIZED', message: 'No.', detail: 'Do this.' }
  const refused = client(() => Response.json(problem, { status: 401 }))
  const error = await refused.api.request('/api/x').catch((failure: unknown) => failure)
  t.match(error, { statusCode: 401, code: 'HW_ADMIN_UNAUTHORIZED', message: 'No.' })
  t.equal(toSentences(error), 'No. Do this.')
  t.same(refused.told, ['reached', 'unauthorized'])

  const signingIn = client(() => Response.json(problem, { status: 401 }), false)
  await t.rejects(signingIn.api.request(SIGN_IN_PATH, { method: 'POST' }), ApiError)
  t.same(signingIn.told, ['reached'], 'a wrong key is no session that has ended')
  const expired = client(() => Response.json(problem, { status: 401 }), false)
  await t.rejects(expired.api.request('/api/x'), ApiError)
  t.same(expired.told, ['reached', 'unauthorized'], 'a session that ran out on the way')

  const same = client(() => Response.json({ message: 'No.', detail: 'No.' }, { status: 403 }))
  const twice = await same.api.request('/api/x').catch((failure: unknown) => failure)
  t.equal(toSentences(twice), 'No.', 'nothing is said twice')
})

t.test('no answer, and a gateway without one, are a server that is away', async (t) => {
  const dead = client(() => Promise.reject(new TypeError('Failed to fetch')))
  await t.rejects(dead.api.request('/api/x'), UnreachableError)
  t.same(dead.told, ['unreachable'])
  const gateway = client(() => new Response('<h1>Bad Gateway</h1>', { status: 502 }))
  await t.rejects(gateway.api.request('/api/x'), UnreachableError)
  t.same(gateway.told, ['unreachable'])
  const busy = client(() => Response.json({ code: 'HW_X', message: 'Busy.' }, { status: 503 }))
  await t.rejects(busy.api.request('/api/x'), ApiError)
  t.same(busy.told, ['reached'])
  const strange = client(() => new Response('?', { status: 418 }))
  await t.rejects(strange.api.request('/api/x'), { message: 'The server answered with 418.' })
})

t.test('a request that the page gave up says nothing about the server', async (t) => {
  const abort = new AbortController()
  const { api, told } = client(() => {
    abort.abort()
    return Promise.reject(new Error('aborted'))
  })
  await t.rejects(api.request('/api/x', { signal: abort.signal }), { message: 'aborted' })
  t.same(told, [])
  t.equal(toSentences('?'), 'Something went wrong.')
})

t.test('names and keys are encoded into paths; the slashes of keys stay', async (t) => {
  t.equal(
    apiPath`/api/channels/${'a b'}/${'x/ü?#%.m3u8'}`,
    '/api/channels/a%20b/x/%C3%BC%3F%23%25.m3u8',
  )
  t.equal(apiPath`/api/caches`, '/api/caches')
})
