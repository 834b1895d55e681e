/**
 * Requests that are wrong in target, parameters or framing, over raw sockets: a clear status, a
 * reason, and the connection kept where HTTP allows. Bodies: `bad-uploads.test.ts`.
 */

import t from 'tap'
import { http } from '../support/http.ts'
import { RawClient, head } from '../support/raw-client.ts'
import { openOrigin } from '../support/origin.ts'
import { checkRefusal, checkUsable } from '../support/refusal-checks.ts'

const TTL_SECONDS_MAX = 2_678_400

t.test('ttl_seconds: anything but 1 to the limit is 400, in both key forms', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.dataPlaneUrl)
  const headers = [`Authorization: ${origin.keys.encoder}`, 'Content-Length: 1']
  const put = (target: string) => client.request('PUT', target, headers, 'x')
  const bad = ['0', '-1', '1.5', '1e3', 'abc', '60s', '+5', '0x10', '%20', 'NaN', 'Infinity']
  const huge = ['99999999999999999999', String(TTL_SECONDS_MAX + 1), String(2 ** 53)]
  for (const ttl of [...bad, ...huge]) {
    for (const target of ['/cache/live-origin?key=a&', '/cache/live-origin/a?']) {
      checkRefusal(t, await put(`${target}ttl_seconds=${ttl}`), 400, 'ttl-invalid')
    }
  }
  for (const ttl of ['1', '3600', String(TTL_SECONDS_MAX)]) {
    t.equal((await put(`/cache/live-origin?key=a&ttl_seconds=${ttl}`)).status, 204, ttl)
    t.equal((await put(`/cache/live-origin/a?ttl_seconds=${ttl}`)).status, 204, ttl)
  }
  checkRefusal(t, await put('/cache/live-origin?key=a'), 400, 'ttl-missing')
  checkRefusal(t, await put('/cache/live-origin?key_base64=YQ'), 400, 'ttl-missing')
  t.equal((await put('/cache/live-origin/a')).status, 204, 'by path the cache has a default')
  const read = await client.request(
    'GET',
    '/cache/live-origin/a?ttl_seconds=-1',
    headers.slice(0, 1),
  )
  t.equal(read.status, 200, 'ignored on reads')
  const target = '/cache/live-origin/a?ttl_seconds=x'
  t.equal((await client.request('DELETE', target, headers.slice(0, 1))).status, 204)
  await checkUsable(t, client)
  client.destroy()
})

t.test('a key must be there once, well encoded, and at most 1024 bytes', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.dataPlaneUrl)
  const headers = [`Authorization: ${origin.keys.encoder}`]
  const cache = '/cache/live-origin'
  const bad: readonly (readonly [string, string])[] = [
    [cache, 'key-missing'],
    [`${cache}/`, 'key-missing'],
    [`${cache}?key=`, 'key-missing'],
    [`${cache}?key_base64=`, 'key-missing'],
    [`${cache}?key=a&key_base64=YQ`, 'key-ambiguous'],
    [`${cache}/a?key=a`, 'key-ambiguous'],
    [`${cache}/a?key_base64=YQ`, 'key-ambiguous'],
    [`${cache}?key_base64=a*b`, 'key-encoding'],
    [`${cache}?key_base64=%25%25`, 'key-encoding'],
    [`${cache}?key_base64=YQ=Y`, 'key-encoding'],
    [`${cache}/a%zz`, 'key-encoding'],
    [`${cache}/a%2`, 'key-encoding'],
    [`${cache}/%`, 'key-encoding'],
    [`${cache}?key=%e`, 'key-encoding'],
    [`${cache}/${'k'.repeat(1025)}`, 'key-too-long'],
    [`${cache}?key=${'k'.repeat(1025)}`, 'key-too-long'],
    [`${cache}/${'%C3%A9'.repeat(512)}k`, 'key-too-long'],
    [`${cache}?key_base64=${Buffer.alloc(1025, 1).toString('base64url')}`, 'key-too-long'],
    ['/cache/', 'cache-name-invalid'],
    ['/cache/a%20b/key', 'cache-name-invalid'],
    [`/cache/${'c'.repeat(256)}/key`, 'cache-name-invalid'],
  ]
  for (const [target, reason] of bad) {
    t.comment(target.slice(0, 60))
    checkRefusal(t, await client.request('GET', target, headers), 400, reason)
    const ttl = `${target.includes('?') ? '&' : '?'}ttl_seconds=60`
    const put = await client.request('PUT', target + ttl, [...headers, 'Content-Length: 1'], 'x')
    checkRefusal(t, put, 400, reason)
  }
  for (const target of [
    `${cache}/${'k'.repeat(1024)}`,
    `${cache}?key=${'k'.repeat(1024)}`,
    `${cache}/${'%C3%A9'.repeat(512)}`,
    `${cache}?key_base64=${Buffer.alloc(1024, 1).toString('base64url')}`,
  ]) {
    const ttl = `${target.includes('?') ? '&' : '?'}ttl_seconds=60`
    const put = await client.request('PUT', target + ttl, [...headers, 'Content-Length: 1'], 'x')
    t.equal(put.status, 204)
    t.equal((await client.request('GET', target, headers)).body.toString(), 'x')
  }
  await checkUsable(t, client)
  client.destroy()
})

t.test('keys are taken as written: slashes, parentheses, %2F, plus, dots', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.dataPlaneUrl)
  const headers = [`Authorization: ${origin.keys.encoder}`]
  const pairs: readonly (readonly [path: string, query: string])[] = [
    ['720p/seg_00000.ts', '720p%2Fseg_00000.ts'],
    ['720p%2Fseg_00001.ts', '720p/seg_00001.ts'],
    ['Streams(name.cmfv)', 'Streams(name.cmfv)'],
    ['a+b.ts', 'a%2Bb.ts'],
    ['a%20b.ts', 'a%20b.ts'],
    ['a/../b.ts', 'a/../b.ts'],
    ['../live-origin/c.ts', '../live-origin/c.ts'],
    ['%2e%2e/d.ts', '../d.ts'],
    ['a//b.ts', 'a//b.ts'],
    ['/a', '/a'],
    ['%2Fb', '%2Fb'],
    ['a;b=c~d!$,e:f@g.ts', 'a;b=c~d!$,e:f@g.ts'],
    ['a%2525.ts', 'a%2525.ts'],
    ['%C3%A9%F0%9F%8E%A5.ts', '%C3%A9%F0%9F%8E%A5.ts'],
    ['%00%ff', '%00%ff'],
  ]
  for (const [index, [path]] of pairs.entries()) {
    const body = `object ${String(index)}`
    const lines = [...headers, `Content-Length: ${String(body.length)}`]
    const put = await client.request('PUT', `/cache/live-origin/${path}`, lines, body)
    t.equal(put.status, 204, path)
  }
  for (const [index, [path, query]] of pairs.entries()) {
    const body = `object ${String(index)}`
    const byPath = await client.request('GET', `/cache/live-origin/${path}`, headers)
    t.equal(byPath.body.toString(), body, `${path} by path`)
    const byQuery = await client.request('GET', `/cache/live-origin?key=${query}`, headers)
    t.equal(byQuery.body.toString(), body, `${query} by query`)
  }
  // Nothing was normalised into another name.
  for (const path of ['b.ts', 'c.ts', 'd.ts', 'a/b.ts', 'a', 'a b.ts+']) {
    const missing = await client.request('GET', `/cache/live-origin/${encodeURI(path)}`, headers)
    checkRefusal(t, missing, 404, 'key-not-found')
  }
  client.destroy()
})

t.test(
  'checks come in order: 401, 400, 403, 404 of the cache, limits, 404 of the key',
  async (t) => {
    const origin = await openOrigin(t, { caches: { defaults: { itemSizeBytesMax: 1024 } } })
    const { encoder, player, superUser } = origin.keys
    const client = await RawClient.open(origin.dataPlaneUrl)
    const body = 'x'.repeat(2000)
    const put = (key: string, target: string) =>
      client.request('PUT', target, [`Authorization: ${key}`, 'Content-Length: 2000'], body)
    const everythingWrong = '/cache/nowhere?ttl_seconds=0'
    checkRefusal(t, await put('not-a-key', everythingWrong), 401)
    checkRefusal(t, await put(player, everythingWrong), 400)
    checkRefusal(t, await put(player, '/cache/nowhere/a?ttl_seconds=0'), 400, 'ttl-invalid')
    checkRefusal(t, await put(player, '/cache/nowhere/a?ttl_seconds=60'), 403)
    checkRefusal(t, await put(encoder, '/cache/nowhere/a?ttl_seconds=60'), 403)
    const noCache = await put(superUser, '/cache/nowhere/a?ttl_seconds=60')
    checkRefusal(t, noCache, 404, 'cache-not-found')
    t.match(JSON.parse(noCache.body.toString()), { message: 'Cache Not Found' })
    checkRefusal(t, await put(superUser, '/cache/live-origin/a?ttl_seconds=60'), 413)
    const noKey = await client.request('GET', '/cache/live-origin/a', [`Authorization: ${player}`])
    checkRefusal(t, noKey, 404, 'key-not-found')
    t.match(JSON.parse(noKey.body.toString()), { message: 'Key Not Found' })
    for (const method of ['GET', 'DELETE']) {
      const answer = await client.request(method, '/cache/nowhere/a', [
        `Authorization: ${superUser}`,
      ])
      checkRefusal(t, answer, 404, 'cache-not-found')
    }
    await checkUsable(t, client)
    client.destroy()
  },
)

t.test('framing that two servers could read differently is 400, and that is the end', async (t) => {
  const origin = await openOrigin(t)
  const auth = `Authorization: ${origin.keys.encoder}`
  const target = '/cache/live-origin/smuggled.ts'
  const cases = {
    'two Host headers':
      head('PUT', target, [auth, 'Host: a', 'Host: b', 'Content-Length: 1']) + 'x',
    'two equal Host headers': head('GET', target, [auth, 'Host: a', 'Host: a']),
    'Content-Length with Transfer-Encoding':
      head('PUT', target, [auth, 'Content-Length: 5', 'Transfer-Encoding: chunked']) +
      '1\r\nx\r\n0\r\n\r\n',
    'two lengths': head('PUT', target, [auth, 'Content-Length: 1', 'Content-Length: 2']) + 'xy',
    'a length that is no number': head('PUT', target, [auth, 'Content-Length: 1x']) + 'x',
    'a chunk size that is none':
      head('PUT', target, [auth, 'Transfer-Encoding: chunked']) + 'zz\r\nx\r\n0\r\n\r\n',
    'no Host': `GET ${target} HTTP/1.1\r\n${auth}\r\n\r\n`,
    'no HTTP at all': 'hello there, origin\r\n\r\n',
  }
  for (const [what, bytes] of Object.entries(cases)) {
    t.comment(what)
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(bytes)
    const answer = await client.tryReadResponse('PUT')
    checkRefusal(t, answer, 400)
    if (!what.includes('Host')) t.equal(await client.waitForEnd(), 'fin', 'closed without a reset')
    client.destroy()
  }
  const stored = await http(`${origin.dataPlaneUrl}${target}`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(stored.status, 404, 'nothing was stored')
})

t.test(
  'a transfer coding other than chunked is refused, not stored as if it were none',
  async (t) => {
    const origin = await openOrigin(t)
    const auth = `Authorization: ${origin.keys.encoder}`
    const target = '/cache/live-origin/coded.ts'
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(head('PUT', target, [auth, 'Transfer-Encoding: gzip, chunked']))
    await client.send('1\r\nx\r\n0\r\n\r\n')
    const answer = await client.tryReadResponse('PUT')
    checkRefusal(t, answer, answer?.status === 501 ? 501 : 400)
    client.destroy()
    const headers = { authorization: origin.keys.player }
    t.equal((await http(`${origin.dataPlaneUrl}${target}`, { headers })).status, 404)
  },
)

t.test('a header flood is 431; what CloudFront sends at most is served', async (t) => {
  const origin = await openOrigin(t)
  const auth = `Authorization: ${origin.keys.player}`
  const send = async (headers: readonly string[]) => {
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(head('GET', '/cache/live-origin/a.ts', [...headers, auth]))
    const answer = await client.tryReadResponse()
    client.destroy()
    return answer
  }
  checkRefusal(t, await send([`X-Flood: ${'x'.repeat(33_000)}`]), 431)
  checkRefusal(t, await send(Array.from({ length: 6000 }, (_, n) => `X-${String(n)}: flood`)), 431)
  // Node drops header lines over a count, and the last ones may be the credential.
  const small = await send(Array.from({ length: 2500 }, () => 'X: y'))
  checkRefusal(t, small, small?.status === 431 ? 431 : 404)
  const large = Array.from({ length: 20 }, (_, n) => `X-${String(n)}: ${'x'.repeat(1000)}`)
  checkRefusal(t, await send(large), 404, 'key-not-found')
})

t.test('a target over 8 KiB is 414; one of 8 KiB is served', async (t) => {
  const origin = await openOrigin(t)
  const auth = `Authorization: ${origin.keys.player}`
  const client = await RawClient.open(origin.dataPlaneUrl)
  const target = (length: number) => '/cache/live-origin/a.ts?x='.padEnd(length, 'x')
  checkRefusal(t, await client.request('GET', target(8192), [auth]), 404, 'key-not-found')
  checkRefusal(t, await client.request('GET', target(8193), [auth]), 414)
  client.destroy()
  const flood = await RawClient.open(origin.dataPlaneUrl)
  await flood.send(head('GET', target(30_000), [auth]))
  checkRefusal(t, await flood.tryReadResponse(), 414)
  flood.destroy()
})

t.test('HEAD, DELETE of nothing, chunked-empty DELETE, pipelined PUT and GET', async (t) => {
  const origin = await openOrigin(t)
  const auth = `Authorization: ${origin.keys.encoder}`
  const client = await RawClient.open(origin.dataPlaneUrl)
  const put = (name: string, body: string) =>
    head('PUT', `/cache/live-origin/${name}`, [auth, `Content-Length: ${String(body.length)}`]) +
    body
  const get = (name: string) => head('GET', `/cache/live-origin/${name}`, [auth])
  await client.send(
    put('a.ts', 'AAA') + put('b.ts', 'BB') + get('a.ts') + get('b.ts') + get('c.ts'),
  )
  t.equal((await client.readResponse('PUT')).status, 204)
  t.equal((await client.readResponse('PUT')).status, 204)
  t.equal((await client.readResponse()).body.toString(), 'AAA')
  t.equal((await client.readResponse()).body.toString(), 'BB')
  t.equal((await client.readResponse()).status, 404)

  const headOnly = await client.request('HEAD', '/cache/live-origin/a.ts', [auth])
  t.equal(headOnly.status, 200)
  t.equal(headOnly.header('content-length'), '3')
  const missing = await client.request('HEAD', '/cache/live-origin/c.ts', [auth])
  t.equal(missing.status, 404)

  const chunked = [auth, 'Transfer-Encoding: chunked']
  const typed = [auth, 'Content-Type: application/octet-stream']
  for (const [headers, body] of [
    [[auth], ''],
    [chunked, '0\r\n\r\n'],
    [typed, ''],
    [[auth, 'Content-Length: 0'], ''],
  ] as const) {
    await client.send(put('d.ts', 'D'))
    t.equal((await client.readResponse('PUT')).status, 204)
    for (let times = 0; times < 2; times++) {
      const gone = await client.request('DELETE', '/cache/live-origin/d.ts', headers, body)
      t.equal(gone.status, 204)
      t.equal(gone.body.length, 0)
    }
    checkRefusal(t, await client.request('GET', '/cache/live-origin/d.ts', [auth]), 404)
  }
  await checkUsable(t, client)
  client.destroy()
})

t.test('methods and routes that do not exist are refused, and the connection lives', async (t) => {
  const origin = await openOrigin(t)
  const auth = `Authorization: ${origin.keys.encoder}`
  const client = await RawClient.open(origin.dataPlaneUrl)
  // LOCK and MOVE are WebDAV's; of that only what an encoder asks before it pushes is there.
  for (const method of ['PATCH', 'LOCK', 'MOVE', 'PROPPATCH']) {
    const answer = await client.request(method, '/cache/live-origin/a.ts', [auth])
    checkRefusal(t, answer, 405, 'method-not-allowed')
  }
  for (const target of ['/topics/live-origin/x', '/objectstore/x', '/nowhere', '/cachet/a']) {
    t.equal((await client.request('GET', target, [auth])).status, 404, target)
  }
  await checkUsable(t, client)
  client.destroy()
})
