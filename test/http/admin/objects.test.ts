import t from 'tap'
import { openApi } from '../../support/admin-api.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { RawClient } from '../../support/raw-client.ts'

const OBJECTS = '/api/caches/live-origin/objects'

interface Page {
  readonly objects: readonly { readonly key: string; readonly keyBase64Url: string }[]
  readonly nextAfter: string | null
}

t.test('an object from its upload to its deletion', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const api = await openApi(t, origin)
  const path = `${OBJECTS}/a/seg%201+%252e.ts`
  const options = { body: 'bytes', headers: { 'content-type': 'text/html' } }
  t.match(await api('PUT', `${path}?ttlSeconds=90`, undefined, options), {
    status: 201,
    json: {
      key: 'a/seg 1+%2e.ts',
      keyBase64Url: Buffer.from('a/seg 1+%2e.ts').toString('base64url'),
      sizeBytes: 5,
      kind: 'segment',
      contentType: 'video/mp2t',
      storedAt: '2026-01-15T12:00:00.000Z',
      expiresAt: '2026-01-15T12:01:30.000Z',
      ttlSeconds: 90,
      version: 1,
    },
  })
  const read = await http(`${origin.dataPlaneUrl}/cache/live-origin/a/seg%201+%252e.ts`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(read.text, 'bytes', 'the data plane has it under the same key')
  const got = await api('GET', path)
  t.match(got, {
    status: 200,
    text: 'bytes',
    headers: {
      'content-length': '5',
      'content-disposition': "attachment; filename*=UTF-8''seg%201%2B%252e.ts",
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      etag: read.headers.etag,
    },
  })
  const looked = await api('HEAD', path)
  t.match(looked, { status: 200, text: '', headers: { 'content-length': '5' } })
  t.equal((await api('DELETE', path)).status, 204)
  t.equal((await api('DELETE', path)).status, 204, 'again')
  t.match(await api('GET', path), { status: 404, json: { code: 'key-not-found' } })
  t.equal((await api('HEAD', path)).status, 404)
})

t.test('what is downloaded cannot run', async (t) => {
  const origin = await openOrigin(t)
  const api = await openApi(t, origin)
  for (const [key, type] of [
    ['x.html', 'text/html'],
    ['x.svg', 'image/svg+xml'],
    ['<script>alert(1)</script>', 'text/html'],
  ] as const) {
    const path = `${OBJECTS}/${encodeURIComponent(key)}`
    const options = { body: '<script>alert(1)</script>', headers: { 'content-type': type } }
    t.equal((await api('PUT', path, undefined, options)).status, 201)
    const { headers } = await api('GET', path)
    t.match(headers['content-disposition'], /^attachment; filename\*=UTF-8''[\w%.-]+$/)
    t.match(headers['content-security-policy'], /sandbox/)
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

t.test('uploads pass the rules of the data plane', async (t) => {
  const origin = await openOrigin(t)
  await origin.createCache('c', { itemSizeBytesMax: 1024, playlistRules: 'strict' })
  const api = await openApi(t, origin)
  const put = (path: string, body: string | Uint8Array) =>
    api('PUT', `/api/caches/c/objects/${path}`, undefined, { body })
  t.equal((await put('at.ts', Buffer.alloc(1024, 1))).status, 201)
  t.match(await put('over.ts', Buffer.alloc(1025, 1)), {
    status: 413,
    json: { code: 'body-too-large' },
    headers: { 'x-headwater-reason': 'body-too-large' },
  })
  t.match(await put('x.ts', ''), { status: 400, json: { code: 'body-empty' } })
  t.match(await put('x.m3u8', 'no'), { status: 400, json: { code: 'not-a-playlist' } })
  t.match(await put('x.m3u8', '#EXTM3U\n#EXTINF:9,\na.ts\n'), {
    status: 422,
    json: { code: 'playlist-invalid' },
  })
  const leak = `#EXTM3U\n# ${origin.keys.superUser.slice(0, 900)}\n`
  t.equal((await put('x.mpd', leak)).status, 400)
  await origin.createCache('ignoring', { emptyBody: 'ignore' })
  const ignored = await http(`${origin.adminUrl}/api/caches/ignoring/objects/x.ts`, {
    method: 'PUT',
    body: '',
    headers: { authorization: origin.keys.superUser },
  })
  t.equal(ignored.status, 204)
  for (const ttlSeconds of ['0', '2678401', 'x', '1.5', '']) {
    const path = `/api/caches/c/objects/x.ts?ttlSeconds=${ttlSeconds}`
    t.equal((await api('PUT', path, undefined, { body: 'x' })).status, 400, ttlSeconds)
  }
  t.equal((await api('PUT', '/api/caches/none/objects/x', undefined, { body: 'x' })).status, 404)
})

t.test("the administrator's key is not published by a playlist", async (t) => {
  const origin = await openOrigin(t)
  const api = await openApi(t, origin)
  const body = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts?token=${origin.keys.superUser}\n`
  t.equal((await api('PUT', `${OBJECTS}/x.m3u8`, undefined, { body })).status, 201)
  t.notOk((await api('GET', `${OBJECTS}/x.m3u8`)).text.includes(origin.keys.superUser))
})

t.test('keys of any bytes, by base64url', async (t) => {
  const origin = await openOrigin(t)
  const api = await openApi(t, origin)
  const bytes = Buffer.from([0x2f, 0xff, 0x00, 0x80, 0x0a])
  const path = `/api/caches/live-origin/object?keyBase64Url=${bytes.toString('base64url')}`
  t.match(await api('PUT', `${path}&ttlSeconds=9`, undefined, { body: 'x' }), {
    status: 201,
    json: { keyBase64Url: bytes.toString('base64url'), ttlSeconds: 9 },
  })
  t.equal((await api('GET', path)).text, 'x')
  t.equal((await api('HEAD', path)).status, 200)
  t.equal((await api('DELETE', path)).status, 204)
  t.equal((await api('GET', path)).status, 404)
  for (const bad of ['', '?keyBase64Url=', '?keyBase64Url=a', '?keyBase64Url=%00%00', '?key=a']) {
    t.equal((await api('GET', `/api/caches/live-origin/object${bad}`)).status, 400, bad)
  }
  const long = Buffer.alloc(1025, 97)
  const over = `/api/caches/live-origin/object?keyBase64Url=${long.toString('base64url')}`
  t.equal((await api('GET', over)).status, 400, 'over 1024 bytes')
  const at = Buffer.alloc(1024, 97).toString('base64url')
  t.equal((await api('GET', `/api/caches/live-origin/object?keyBase64Url=${at}`)).status, 404)
  t.equal((await api('GET', `${OBJECTS}/%zz`)).status, 400)
  t.equal((await api('GET', `${OBJECTS}/${'k'.repeat(1025)}`)).status, 400)
})

t.test('lists by prefix, sorted, in pages', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const api = await openApi(t, origin)
  const sizes: Readonly<Record<string, number>> = { 'b/2': 5, 'b/1': 9, 'a/1': 7, 'b/3': 5, é: 1 }
  for (const [key, size] of Object.entries(sizes)) {
    await api('PUT', `${OBJECTS}/${encodeURI(key)}`, undefined, { body: 'x'.repeat(size) })
    clock.advance(1000)
  }
  const all = async (query: string): Promise<string[]> => {
    const keys: string[] = []
    let after: string | null = null
    do {
      const from: string = after === null ? '' : `&after=${after}`
      const answer = await api('GET', `${OBJECTS}?${query}${from}`)
      // The client has held it against its schema.
      const page = answer.json as Page
      keys.push(...page.objects.map(({ key }) => key))
      after = page.nextAfter
    } while (after !== null)
    return keys
  }
  const expected: Readonly<Record<string, readonly string[]>> = {
    '': ['a/1', 'b/1', 'b/2', 'b/3', 'é'],
    'sort=-key': ['é', 'b/3', 'b/2', 'b/1', 'a/1'],
    'sort=size': ['é', 'b/2', 'b/3', 'a/1', 'b/1'],
    'sort=-size': ['b/1', 'a/1', 'b/2', 'b/3', 'é'],
    'sort=storedAt': ['b/2', 'b/1', 'a/1', 'b/3', 'é'],
    'sort=-storedAt': ['é', 'b/3', 'a/1', 'b/1', 'b/2'],
    'prefix=b/': ['b/1', 'b/2', 'b/3'],
    'prefix=b/&sort=-size': ['b/1', 'b/2', 'b/3'],
    'prefix=%C3%A9': ['é'],
    'prefix=zz': [],
  }
  for (const [query, keys] of Object.entries(expected)) {
    for (const limit of [1, 2, 5, 1000]) {
      t.strictSame(await all(`${query}&limit=${limit}`), keys, `${query} by ${limit}`)
    }
  }
  for (const bad of ['limit=0', 'limit=1001', 'limit=x', 'sort=x', 'after=x', 'after=1.', 'x=1']) {
    t.equal((await api('GET', `${OBJECTS}?${bad}`)).status, 400, bad)
  }
  t.equal((await api('GET', '/api/caches/none/objects')).status, 404)
})

t.test('an upload that is cut or falls silent changes nothing', async (t) => {
  const origin = await openOrigin(t, { http: { uploadIdleSeconds: 1 } })
  const lines = [`Authorization: ${origin.keys.superUser}`, 'Host: localhost', 'Content-Length: 9']
  const head = `PUT ${OBJECTS}/x.ts HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  const cut = await RawClient.open(origin.adminUrl)
  await cut.send(head, 'half')
  cut.reset()
  const silent = await RawClient.open(origin.adminUrl)
  await silent.send(head, 'half')
  t.match(await silent.readResponse(), { status: 408 })
  silent.destroy()
  const api = await openApi(t, origin)
  t.equal((await api('GET', `${OBJECTS}/x.ts`)).status, 404)
  const unframed = await RawClient.open(origin.adminUrl)
  await unframed.send(head.replace('Content-Length: 9', 'X: 9'))
  t.match(await unframed.readResponse(), { status: 411 })
  unframed.destroy()
})
