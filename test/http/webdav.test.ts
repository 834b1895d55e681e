import t from 'tap'
import type { Test } from 'tap'
import { parseCacheName } from '../../src/base/names.ts'
import { formatMultistatus } from '../../src/http/webdav-multistatus.ts'
import { http } from '../support/http.ts'
import type { HttpAnswer } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { head, RawClient } from '../support/raw-client.ts'

const BASE = '/cache/live-origin'

async function openDav(t: Test) {
  const origin = await openOrigin(t)
  const ask = (
    method: string,
    target: string,
    options: { key?: string; depth?: string; body?: string } = {},
  ): Promise<HttpAnswer> => {
    const { key = origin.keys.encoder, depth, body } = options
    return http(`${origin.dataPlaneUrl}${target}`, {
      method,
      headers: {
        ...(key === '' ? {} : { authorization: key }),
        ...(depth === undefined ? {} : { depth }),
      },
      ...(body === undefined ? {} : { body }),
    })
  }
  const store = (key: string) => ask('PUT', `${BASE}/${key}`, { body: `body of ${key}` })
  return { origin, ask, store }
}

/** The hrefs of a multistatus, in order. */
function hrefs({ status, text }: HttpAnswer): readonly string[] {
  if (status !== 207) throw new Error(`${String(status)} ${text}`)
  return [...text.matchAll(/<D:href>([^<]*)<\/D:href>/g)].map(([, href]) => href ?? '')
}

t.test('an encoder makes its folder, asks for it and pushes', async (t) => {
  const { ask, store } = await openDav(t)
  const options = await ask('OPTIONS', `${BASE}/show/`, { key: '' })
  t.equal(options.status, 204)
  t.equal(options.headers['dav'], '1')
  t.match(options.headers.allow, /PUT.*MKCOL, PROPFIND/)
  t.equal((await ask('PROPFIND', `${BASE}/show`, { depth: '0' })).status, 404)
  for (const target of [BASE, `${BASE}/`, `${BASE}/show`, `${BASE}/show/`, `${BASE}/show/`]) {
    const made = await ask('MKCOL', target)
    t.equal(made.status, 201, target)
    t.ok(made.headers.date)
  }
  t.strictSame(hrefs(await ask('PROPFIND', `${BASE}/show/`, { depth: '0' })), [`${BASE}/show/`])
  t.equal((await store('show/seg_1.ts')).status, 204)
  t.strictSame(hrefs(await ask('PROPFIND', `${BASE}/show`, { depth: '0' })), [`${BASE}/show/`])
})

t.test('MKCOL stores nothing', async (t) => {
  const { ask, origin } = await openDav(t)
  await ask('MKCOL', `${BASE}/show/`, { body: '<x/>' })
  t.equal((await ask('GET', `${BASE}/show/`, { key: origin.keys.player })).status, 404)
  t.strictSame(hrefs(await ask('PROPFIND', BASE, { depth: '1' })), [`${BASE}/`])
})

t.test('MKCOL is for those who may write there', async (t) => {
  const { ask, origin } = await openDav(t)
  const anonymous = await ask('MKCOL', `${BASE}/show/`, { key: '' })
  t.equal(anonymous.status, 401)
  t.match(anonymous.headers['www-authenticate'], /^Basic/)
  t.equal((await ask('MKCOL', `${BASE}/show/`, { key: 'rubbish' })).status, 401)
  t.equal((await ask('MKCOL', `${BASE}/show/`, { key: origin.keys.player })).status, 403)
  const scope = { caches: ['live-origin'], role: 'readwrite' } as const
  const { apiKey: key } = await origin.mintKey({
    ...scope,
    items: { kind: 'keyPrefix', keyPrefix: 'show/' },
  })
  t.equal((await ask('MKCOL', `${BASE}/show`, { key })).status, 201)
  t.equal((await ask('MKCOL', `${BASE}/show/2/`, { key })).status, 201)
  t.equal((await ask('MKCOL', `${BASE}/other/`, { key })).status, 403)
  t.equal((await ask('MKCOL', BASE, { key })).status, 403)
  const superUser = { key: origin.keys.superUser }
  t.equal((await ask('MKCOL', '/cache/none/show/', superUser)).status, 404)
  t.equal((await ask('MKCOL', '/cache/', superUser)).status, 400)
  t.equal((await ask('MKCOL', '/cache/na%20me/x/', superUser)).status, 400)
  t.equal((await ask('MKCOL', `${BASE}?token=${superUser.key}`, { key: '' })).status, 201)
})

t.test('a cache that the first write would make may be asked for', async (t) => {
  const origin = await openOrigin(t, { caches: { autoCreate: true } })
  const headers = { authorization: origin.keys.superUser }
  const made = await http(`${origin.dataPlaneUrl}/cache/new/`, { method: 'MKCOL', headers })
  t.equal(made.status, 201)
})

t.test('PROPFIND shows an object, and what lies right below a folder', async (t) => {
  const { ask, store } = await openDav(t)
  for (const key of ['show/a.ts', 'show/b%26c.m4s', 'show/720p/1.ts', 'show/720p/2.ts', 'x.ts']) {
    await store(key)
  }
  const one = await ask('PROPFIND', `${BASE}/show/a.ts`, { depth: '1', body: '<propfind/>' })
  t.strictSame(hrefs(one), [`${BASE}/show/a.ts`])
  t.match(one.headers['content-type'], /^application\/xml/)
  t.match(one.text, '<D:getcontentlength>17<')
  t.match(one.text, '<D:getcontenttype>video/mp2t<')
  t.match(one.text, /<D:getlastmodified>\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT</)
  const below = [
    `${BASE}/show/`,
    `${BASE}/show/720p/`,
    `${BASE}/show/a.ts`,
    `${BASE}/show/b%26c.m4s`,
  ]
  t.strictSame(hrefs(await ask('PROPFIND', `${BASE}/show`, { depth: '1' })), below)
  t.strictSame(hrefs(await ask('PROPFIND', `${BASE}/show/`, { depth: '1' })), below)
  t.strictSame(hrefs(await ask('PROPFIND', BASE, { depth: '1' })), [
    `${BASE}/`,
    `${BASE}/show/`,
    `${BASE}/x.ts`,
  ])
  t.equal((await ask('PROPFIND', `${BASE}/none`, { depth: '0' })).status, 404)
  t.equal((await ask('PROPFIND', '/cache/none/x', { depth: '0' })).status, 403)
})

t.test('PROPFIND without an end is refused', async (t) => {
  const { ask } = await openDav(t)
  for (const depth of [undefined, 'infinity', '2', '']) {
    const answer = await ask('PROPFIND', BASE, depth === undefined ? {} : { depth })
    t.equal(answer.status, 403, String(depth))
    t.match(answer.text, /propfind-finite-depth/)
  }
})

t.test('PROPFIND shows nobody what he may not read', async (t) => {
  const { ask, origin, store } = await openDav(t)
  await store('show/a.ts')
  t.equal((await ask('PROPFIND', BASE, { key: '', depth: '1' })).status, 401)
  const caches = ['live-origin']
  const writer = await origin.mintKey({ caches, role: 'writeonly', items: { kind: 'all' } })
  const key = writer.apiKey
  t.equal((await ask('PROPFIND', `${BASE}/show/a.ts`, { key, depth: '0' })).status, 403)
  t.strictSame(hrefs(await ask('PROPFIND', `${BASE}/show/`, { key, depth: '1' })), [
    `${BASE}/show/`,
  ])
  const items = { kind: 'key', key: 'show/b.ts' } as const
  const other = await origin.mintKey({ caches, role: 'readonly', items })
  const elsewhere = { key: other.apiKey, depth: '1' }
  t.equal((await ask('PROPFIND', `${BASE}/show/`, elsewhere)).status, 403)
  t.equal((await ask('PROPFIND', `${BASE}/show/b.ts`, elsewhere)).status, 404)
})

t.test('a large folder is shown in part', async (t) => {
  const { ask, store } = await openDav(t)
  for (let count = 0; count < 510; count++) await store(`show/${String(count)}.ts`)
  t.equal(hrefs(await ask('PROPFIND', `${BASE}/show/`, { depth: '1' })).length, 501)
})

t.test("a browser's preflight stays a preflight", async (t) => {
  const { origin } = await openDav(t)
  const preflight = await http(`${origin.dataPlaneUrl}${BASE}/a.ts`, {
    method: 'OPTIONS',
    headers: { origin: 'https://player.example', 'access-control-request-method': 'GET' },
  })
  t.equal(preflight.headers['dav'], undefined)
  t.match(preflight.headers['access-control-allow-methods'], /GET/)
})

t.test(
  'a body that never ends closes the connection; one that is announced is asked for',
  async (t) => {
    const { origin } = await openDav(t)
    const authorization = `Authorization: ${origin.keys.encoder}`
    const client = await RawClient.open(origin.dataPlaneUrl)
    const big = ['Depth: 0', authorization, 'Content-Length: 1000000']
    await client.send(head('PROPFIND', BASE, big), Buffer.alloc(100_000))
    const answer = await client.readResponse('PROPFIND')
    t.equal(answer.status, 207)
    t.equal(answer.header('connection'), 'close')
    const asking = await RawClient.open(origin.dataPlaneUrl)
    const expecting = ['Depth: 0', authorization, 'Content-Length: 4', 'Expect: 100-continue']
    await asking.send(head('PROPFIND', BASE, expecting))
    t.equal((await asking.readResponse('PROPFIND')).status, 100)
    await asking.send('<x/>')
    t.equal((await asking.readResponse('PROPFIND')).status, 207)
    t.ok(await asking.isUsable())
  },
)

t.test('nothing that was stored can break the document', async (t) => {
  const cacheName = parseCacheName('live')
  if (cacheName === undefined) throw new Error('not a cache name')
  const xml = formatMultistatus(cacheName, [
    {
      key: 'a<b>&"\u0000\u00e9 .ts',
      item: { sizeBytes: 1, contentType: 'text/x; a="<&>"\u0001', storedAtMs: 0 },
    },
  ])
  t.match(xml, '<D:href>/cache/live/a%3Cb%3E%26%22%00%E9%20.ts</D:href>')
  t.match(xml, '<D:getcontenttype>text/x; a=&quot;&lt;&amp;&gt;&quot;</D:getcontenttype>')
})
