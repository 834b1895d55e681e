import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import type { Headwater } from '../../src/app.ts'
import { http } from '../support/http.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../support/origin.ts'

function client(origin: Headwater) {
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  return {
    url,
    put: (key: string, body: string, authorization = origin.keys.encoder) =>
      http(url(key), { method: 'PUT', body, headers: { authorization } }),
    get: (key: string, headers: Record<string, string> = {}) => http(url(key), { headers }),
  }
}

const leaky = (key: string) =>
  `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8?token=${key}&ttl_seconds=3600&role=origin\n` +
  `#EXT-X-STREAM-INF:BANDWIDTH=2\nhttps://cdn.example/high.m3u8?token=${key.slice(0, 9)}\n`

t.test("an encoder's key in a playlist reaches nobody", async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const removed: number[] = []
  origin.events.on('tokens-removed', ({ tokenCount }) => removed.push(tokenCount))
  const { encoder, player } = origin.keys
  t.equal((await put('playlist.m3u8', leaky(encoder))).status, 204)
  t.same(removed, [1])
  const byHeader = await get('playlist.m3u8', { authorization: player })
  t.match(byHeader.text, /\nlow\.m3u8\n/)
  t.ok(byHeader.text.includes('https://cdn.example/high.m3u8?token='), 'foreign URIs stay')
  t.equal(byHeader.headers['cache-control'], 'public, max-age=2')
  for (const answer of [
    byHeader,
    await get(`playlist.m3u8?token=${player}`),
    await get(`playlist.m3u8?token=${encoder}`),
    await get('playlist.m3u8', { authorization: player, range: 'bytes=0-' }),
  ]) {
    t.notOk(answer.text.includes(encoder))
    t.notOk(answer.text.includes(innerJwt(encoder)))
  }
})

t.test('who reads by ?token= finds it on every URI that leads here', async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const { player } = origin.keys
  await put('playlist.m3u8', leaky(origin.keys.encoder))
  await put('low.m3u8', '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n')
  await put('seg.ts', 'bytes')
  const playlist = await get(`playlist.m3u8?token=${player}`)
  t.equal(playlist.headers['cache-control'], 'private, max-age=1')
  const variant = playlist.text.split('\n').find((line) => line.startsWith('low.m3u8')) ?? ''
  t.equal(variant, `low.m3u8?token=${encodeURIComponent(player)}`)
  t.notOk(
    playlist.text.split('\n').some((line) => line.startsWith('https') && line.includes(player)),
  )
  const media = await get(variant)
  const segment = media.text.split('\n').find((line) => line.startsWith('seg.ts')) ?? ''
  t.equal((await get(segment)).text, 'bytes', 'all the way, without a header')
})

t.test('a key that can write is replaced by a twin that cannot', async (t) => {
  const origin = await openOrigin(t)
  const { put, get, url } = client(origin)
  const { encoder } = origin.keys
  await put('low.m3u8', '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n')
  await put('seg.ts', 'bytes')
  const media = await get(`low.m3u8?token=${encoder}`)
  const segment = media.text.split('\n').find((line) => line.startsWith('seg.ts')) ?? ''
  t.match(segment, /^seg\.ts\?token=[\w.%-]+$/)
  t.notOk(segment.includes(innerJwt(encoder)))
  t.equal((await get(segment)).text, 'bytes')
  const write = await http(url(segment), { method: 'PUT', body: 'other' })
  t.equal(write.status, 403)
})

t.test("each reader's form has its own ETag, gzip of it another", async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const other = (await origin.mintKey({ role: 'readonly', caches: '*' })).apiKey
  const lines = Array.from({ length: 60 }, (_, index) => `#EXTINF:2,\nseg_${index}.ts\n`).join('')
  await put('live.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${lines}`)
  const target = `live.m3u8?token=${origin.keys.player}`
  const gzip = { 'accept-encoding': 'gzip' }
  const answers = [
    await get('live.m3u8', { authorization: origin.keys.player }),
    await get(target),
    await get(target, gzip),
    await get(`live.m3u8?token=${other}`),
  ]
  t.equal(new Set(answers.map((answer) => answer.headers.etag)).size, 4)
  const [, mine, zipped] = answers
  t.equal(gunzipSync(zipped?.body ?? Buffer.alloc(0)).toString(), mine?.text)
  t.equal(mine?.headers['content-length'], String(mine?.body.length))
  const etag = mine?.headers.etag ?? ''
  t.equal((await get(target, { 'if-none-match': etag })).status, 304)
  t.equal((await get(target, { ...gzip, 'if-none-match': etag })).status, 200)
  const range = await get(target, { range: 'bytes=0-6' })
  t.equal(range.text, '#EXTM3U')
  t.equal(range.headers['content-range'], `bytes 0-6/${mine?.body.length}`)
  t.equal((await get(target)).headers.etag, etag, 'the same for the same reader')
  t.notOk(etag.includes(origin.keys.player.slice(0, 12)))
})

t.test('a read-only token that a publisher put there stays', async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const { player, encoder } = origin.keys
  const text = `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8?token=${player}\n`
  await put('playlist.m3u8', text)
  t.equal((await get('playlist.m3u8', { authorization: player })).text, text)
  await put('playlist.m3u8', text.replace(player, `${player.slice(0, -4)}AAAA`), encoder)
  const cleaned = await get('playlist.m3u8', { authorization: player })
  t.match(cleaned.text, /\nlow\.m3u8\n$/, 'one that cannot be verified does not')
})

t.test('where a key cannot be taken out, the playlist is refused', async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const { encoder, player } = origin.keys
  await put('playlist.m3u8', '#EXTM3U\n')
  for (const body of [
    `#EXTM3U\n# made with ${encoder}\n`,
    `#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID="k",VALUE="${innerJwt(encoder)}"\n`,
    `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://cdn.example/a.m3u8?k=${encodeURIComponent(encoder)}\n`,
  ]) {
    const answer = await put('playlist.m3u8', body)
    t.equal(answer.status, 422)
    t.equal(answer.headers['x-headwater-reason'], 'playlist-leaks-key')
    t.notOk(answer.text.includes(encoder))
  }
  const basic = await put('playlist.m3u8', `#EXTM3U\n#${encoder}\n`, basicAuthorization(encoder))
  t.equal(basic.status, 422)
  t.equal((await get('playlist.m3u8', { authorization: player })).text, '#EXTM3U\n')
})

t.test('texts made to be expensive or opaque are refused, or served without tokens', async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const overlong = await put('long.m3u8', `#EXTM3U\nseg.ts?x=${'y'.repeat(9000)}\n`)
  t.equal(overlong.status, 422)
  const many = `#EXTM3U\n${'a\n'.repeat(100_000)}`
  t.equal((await put('many.m3u8', many)).status, 204)
  const answer = await get(`many.m3u8?token=${origin.keys.player}`)
  t.equal(answer.text, many, 'a hundred thousand tokens are not put in')
})

t.test('nor under a name that says nothing of a playlist', async (t) => {
  const origin = await openOrigin(t)
  const { put, get, url } = client(origin)
  const { encoder, player } = origin.keys
  const hls = `#EXTM3U\n#EXTINF:2,\na.ts?token=${encoder}\n`
  const dash = `<?xml version="1.0"?><MPD><BaseURL>a?token=${encoder}</BaseURL></MPD>`
  for (const [key, text, cleaned] of [
    ['live', hls, '#EXTM3U\n#EXTINF:2,\na.ts\n'],
    ['live.ts', `\ufeff${hls}`, '\ufeff#EXTM3U\n#EXTINF:2,\na.ts\n'],
    ['live.m3u8.bak', '#EXTM3U\n#EXTINF:2,\na.ts\n', '#EXTM3U\n#EXTINF:2,\na.ts\n'],
    ['manifest', dash, '<?xml version="1.0"?><MPD><BaseURL>a</BaseURL></MPD>'],
    ['page.xml', '<page>#EXTM3U</page>', '<page>#EXTM3U</page>'],
  ] as const) {
    t.equal((await put(key, text)).status, 204, key)
    t.equal((await get(key, { authorization: player })).text, cleaned)
  }
  t.equal(
    (await put('live', `${hls}# ${encoder}\n`)).headers['x-headwater-reason'],
    'playlist-leaks-key',
  )
  const packed = (key: string, body: Buffer) =>
    http(url(key), {
      method: 'PUT',
      body,
      headers: { authorization: encoder, 'content-encoding': 'gzip' },
    })
  t.equal((await packed('packed', gzipSync(hls))).status, 204)
  const unpacked = await get('packed', { authorization: player })
  t.equal(unpacked.text, '#EXTM3U\n#EXTINF:2,\na.ts\n')
  t.equal(unpacked.headers['content-encoding'], undefined)
  for (const body of [gzipSync('{}'), Buffer.from('no gzip')]) {
    t.equal((await packed('data.json', body)).status, 204)
    const same = await get('data.json', { authorization: player })
    t.equal(same.headers['content-encoding'], 'gzip')
    t.equal(same.headers['content-length'], String(body.length))
  }
})

t.test('strip gives nobody a token, keep gives every byte', async (t) => {
  const origin = await openOrigin(t)
  const { encoder } = origin.keys
  const writer = (await origin.mintKey({ role: 'readwrite', caches: '*' })).apiKey
  const reader = (await origin.mintKey({ role: 'readonly', caches: '*' })).apiKey
  for (const playlistTokens of ['strip', 'keep'] as const) {
    await origin.createCache(playlistTokens, { playlistTokens })
    const url = `${origin.dataPlaneUrl}/cache/${playlistTokens}/playlist.m3u8`
    await http(url, { method: 'PUT', body: leaky(encoder), headers: { authorization: writer } })
    const answer = await http(`${url}?token=${reader}`)
    if (playlistTokens === 'keep') t.equal(answer.text, leaky(encoder))
    else t.match(answer.text, /\nlow\.m3u8\n/)
    t.equal(answer.headers['cache-control'], 'public, max-age=2')
  }
})

t.test('DASH manifests are kept clean, too', async (t) => {
  const origin = await openOrigin(t)
  const { put, get } = client(origin)
  const { encoder, player } = origin.keys
  const manifest = (query: string) =>
    `<?xml version="1.0"?>\n<MPD><Period><AdaptationSet><SegmentTemplate media="chunk-$Number$.m4s${query}" initialization="init.m4s${query}"/></AdaptationSet></Period></MPD>\n`
  await put('live.mpd', manifest(`?token=${encoder}&amp;ttl_seconds=60`))
  t.equal((await get('live.mpd', { authorization: player })).text, manifest(''))
  t.equal(
    (await get(`live.mpd?token=${player}`)).text,
    manifest(`?token=${encodeURIComponent(player)}`),
  )
})
