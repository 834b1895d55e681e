import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { HlsSource, mediaText, tsBody } from './hls-source.ts'
import { startPull, urisOf } from './pull-run.ts'

const segments = (numbers: readonly number[], folder = '') =>
  Object.fromEntries(numbers.map((number) => [`${folder}/seg${number}.ts`, tsBody(`${number}`)]))

t.test('a film: variants, audio, subtitles, keys, init sections and session data', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({
    '/a/film.m3u8': [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key.bin?token=secret-1"',
      '#EXT-X-SESSION-DATA:DATA-ID="com.example.lyrics",URI="lyrics.json"',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",URI="audio/index.m3u8?token=secret-1"',
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",URI="subs.m3u8"',
      '#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO="a",SUBTITLES="s"',
      'low/index.m3u8?token=secret-1',
      '#EXT-X-STREAM-INF:BANDWIDTH=2000,AUDIO="a",SUBTITLES="s"',
      'high/index.m3u8?token=secret-1',
      '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100,URI="high/iframes.m3u8"',
      '',
    ].join('\n'),
    '/a/key.bin': Buffer.alloc(16, 7),
    '/a/lyrics.json': '{"la":1}',
    '/a/audio/index.m3u8': mediaText([0, 1], {
      ended: true,
      head: '#EXT-X-KEY:METHOD=AES-128,URI="../key.bin?token=secret-1",IV=0x01',
      uri: (number) => `seg${number}.aac`,
    }),
    '/a/audio/seg0.aac': 'ID3 zero',
    '/a/audio/seg1.aac': 'ID3 one',
    '/a/subs.m3u8': mediaText([0], { ended: true, uri: () => 'sub.vtt' }),
    '/a/sub.vtt': 'WEBVTT\n',
    '/a/low/index.m3u8': mediaText([0, 1], {
      ended: true,
      head: '#EXT-X-MAP:URI="init.mp4?token=secret-1"',
      uri: (number) => `seg${number}.m4s?token=secret-1`,
    }),
    '/a/low/init.mp4': 'low init',
    '/a/low/seg0.m4s': 'low zero',
    '/a/low/seg1.m4s': 'low one',
    '/a/high/index.m3u8': mediaText([5, 6], {
      ended: true,
      head: '#EXT-X-MAP:URI="all.mp4",BYTERANGE="4@0"',
      tags: { 5: '#EXT-X-BYTERANGE:3@4', 6: '#EXT-X-DISCONTINUITY\n#EXT-X-BYTERANGE:2' },
      uri: () => 'all.mp4',
    }),
    '/a/high/all.mp4': 'INITabcde',
    '/a/high/iframes.m3u8': mediaText([0], {
      ended: true,
      head: '#EXT-X-I-FRAMES-ONLY',
      tags: { 0: '#EXT-X-BYTERANGE:2@5' },
      uri: () => 'all.mp4',
    }),
  })
  const pull = startPull(t, origin, `${source.url}/a/film.m3u8?token=secret-1`, {
    flags: ['--allow-private', '--key-prefix', 'copy/', '--json'],
  })
  t.equal(await pull.done, 0, pull.err())
  const text = (await pull.text('copy/film.m3u8')) ?? ''
  t.notMatch(text + pull.err() + pull.out(), 'secret-1')
  t.match(text, /SESSION-KEY:METHOD=AES-128,URI="media-\w+\/key-\w+\.key"/)
  t.match(text, /SESSION-DATA:DATA-ID="com.example.lyrics",URI="media-\w+\/data-\w+\.json"/)
  t.match(JSON.parse(pull.out()), {
    hasEnded: true,
    renditionCount: 5,
    failedRenditionCount: 0,
    segmentCount: 8,
    lostSegmentCount: 0,
    playlistKey: 'copy/film.m3u8',
  })
  const low = urisOf(text)[0] ?? ''
  const folder = `copy/${low.slice(0, low.lastIndexOf('/'))}`
  const lowText = (await pull.text(`copy/${low}`)) ?? ''
  t.match(lowText, /#EXT-X-MAP:URI="init-\w+\.mp4"\n#EXTINF:2.000,\n0-\w+\.m4s\n/)
  t.match(lowText, '#EXT-X-ENDLIST')
  t.notMatch(lowText, 'secret-1')
  t.equal(await pull.text(`${folder}/${urisOf(lowText)[1]}`), 'low one')

  const high = urisOf(text)[1] ?? ''
  const highText = (await pull.text(`copy/${high}`)) ?? ''
  t.match(highText, '#EXT-X-MEDIA-SEQUENCE:5')
  t.match(highText, '#EXT-X-DISCONTINUITY\n')
  t.notMatch(highText, 'BYTERANGE')
  const highFolder = `copy/${high.slice(0, high.lastIndexOf('/'))}`
  // The source does not know ranges: what is wanted is cut out of the whole.
  for (const [index, words] of ['abc', 'de'].entries()) {
    t.equal(await pull.text(`${highFolder}/${urisOf(highText)[index]}`), words)
  }
  const init = /MAP:URI="([^"]+)"/.exec(highText)?.[1]
  t.equal(await pull.text(`${highFolder}/${init}`), 'INIT')

  const audio = /TYPE=AUDIO[^\n]*URI="([^"]+)"/.exec(text)?.[1] ?? ''
  const audioText = (await pull.text(`copy/${audio}`)) ?? ''
  const key = /#EXT-X-KEY:METHOD=AES-128,URI="([^"]+)",IV=0x01/.exec(audioText)?.[1]
  t.strictSame(
    await pull.bytes(`copy/${audio.slice(0, audio.lastIndexOf('/'))}/${key}`),
    Buffer.alloc(16, 7),
  )
  t.equal(source.countOf('/a/key.bin'), 2, 'once for the session, once for the rendition')
  t.ok(source.asked.every(({ headers }) => /^headwater\/\d/.test(headers['user-agent'] ?? '')))
})

t.test('live: numbers, dates, discontinuities and tags stay; parts go', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  const tags = {
    10: '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXT-X-CUE-OUT:4',
    12: '#EXT-X-DISCONTINUITY\n#EXT-X-PART:DURATION=1,URI="part.ts"',
  }
  const head = [
    '#EXT-X-DISCONTINUITY-SEQUENCE:3',
    '#EXT-X-PART-INF:PART-TARGET=1',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,HOLD-BACK=6',
    '#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="ads/ad.m3u8?sig=abc"',
  ].join('\n')
  const live = (numbers: readonly number[], ended = false) =>
    mediaText(numbers, { head, tags, ended }).replace(
      /$/,
      ended
        ? ''
        : '#EXT-X-PART:DURATION=1,URI="next.ts"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p.ts"\n',
    )
  source.set({ ...segments([10, 11, 12, 13]), '/live.m3u8': live([10, 11, 12]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  const text = await pull.untilText('live.m3u8', (found) => found.includes('/12-'))
  t.equal(
    text.replace(/media-\w+\/(\d+)-\w+\.ts/g, '$1'),
    [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-SERVER-CONTROL:HOLD-BACK=6',
      '#EXT-X-MEDIA-SEQUENCE:10',
      '#EXT-X-DISCONTINUITY-SEQUENCE:3',
      `#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="${source.url}/ads/ad.m3u8"`,
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
      '#EXT-X-CUE-OUT:4',
      ...['#EXTINF:2.000,', '10', '#EXTINF:2.000,', '11'],
      ...['#EXT-X-DISCONTINUITY', '#EXTINF:2.000,', '12', ''],
    ].join('\n'),
  )
  source.set({ '/live.m3u8': live([11, 12, 13]) })
  await pull.untilText('live.m3u8', (found) => found.includes('/13-') && !found.includes('/10-'))
  t.equal(source.countOf('/seg11.ts'), 1, 'nothing is fetched twice')
  source.set({ '/live.m3u8': live([11, 12, 13], true) })
  t.equal(await pull.done, 0)
  t.match(await pull.text('live.m3u8'), '#EXT-X-ENDLIST')
  t.equal(source.countOf('/part.ts') + source.countOf('/p.ts'), 0)
})

t.test('a segment that the source has lost becomes a gap; the playlist goes on', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 3, 4]), '/live.m3u8': mediaText([1, 2, 3]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  const text = await pull.untilText('live.m3u8', (found) => found.includes('/3-'))
  t.match(text, '#EXT-X-VERSION:8')
  t.match(text, /#EXTINF:2.000,\n#EXT-X-GAP\nmedia-\w+\/2-lost\.ts\n/)
  t.match(pull.err(), 'segment 2 is lost: the source answers 404')
  t.ok(source.countOf('/seg2.ts') > 2, 'it was tried again')
  source.set({ '/live.m3u8': mediaText([2, 3, 4], { ended: true }) })
  t.equal(await pull.done, 0, 'what was live may have holes')
})

t.test('a film with a hole: exit code 1, a gap, all else is there', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 2]), '/film.m3u8': mediaText([1, 2, 3], { ended: true }) })
  const pull = startPull(t, origin, `${source.url}/film.m3u8`)
  t.equal(await pull.done, 1)
  t.equal(urisOf(await pull.text('film.m3u8')).length, 3)
  t.match(await pull.text('film.m3u8'), '#EXT-X-GAP\n')
})

t.test('segments in need of a lost key are gaps until there is one again', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  const tags = {
    1: '#EXT-X-KEY:METHOD=AES-128,URI="one.key"\n#EXT-X-MAP:URI="init.mp4"',
    2: '#EXT-X-KEY:METHOD=AES-128,URI="two.key"',
    3: '#EXT-X-KEY:METHOD=NONE',
  }
  source.set({
    ...segments([1, 2, 3]),
    ...{ '/one.key': Buffer.alloc(16, 1), '/init.mp4': 'init' },
    '/live.m3u8': mediaText([1, 2, 3], { tags }),
  })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  const text = await pull.untilText('live.m3u8', (found) => found.includes('/3-'))
  const names = text.replace(/media-\w+\/(\d*)-?(init|key|lost)?[\w-]*\.\w+/g, '$1$2')
  t.match(
    names,
    [
      '#EXT-X-KEY:METHOD=AES-128,URI="key"',
      '#EXT-X-MAP:URI="init"',
      ...['#EXTINF:2.000,', '1', '#EXTINF:2.000,', '#EXT-X-GAP', '2lost'],
      ...['#EXT-X-KEY:METHOD=NONE', '#EXTINF:2.000,', '3'],
    ].join('\n'),
  )
})

t.test('the source begins anew: lower numbers, the same names, other bytes', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([7, 8, 9]), '/live.m3u8': mediaText([7, 8, 9]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  await pull.untilText('live.m3u8', (found) => found.includes('/9-'))
  source.set({ '/seg0.ts': tsBody('new'), '/live.m3u8': mediaText([0]) })
  const text = await pull.untilText('live.m3u8', (found) => found.includes('/0-'))
  t.match(text, '#EXT-X-MEDIA-SEQUENCE:0')
  await pull.said('begun anew, at number 0')
})

t.test('a copy from before, as some caches serve it, is passed over', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 2, 3, 4, 5]), '/live.m3u8': mediaText([1, 2, 3]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  await pull.untilText('live.m3u8', (found) => found.includes('/3-'))
  source.set({ '/live.m3u8': mediaText([1, 2]) })
  const count = source.countOf('/live.m3u8')
  while (source.countOf('/live.m3u8') < count + 2) await sleep(10)
  source.set({ '/live.m3u8': mediaText([3, 4, 5]) })
  await pull.untilText('live.m3u8', (found) => found.includes('/5-'))
  t.notMatch(pull.err(), 'begun anew')
  t.equal(source.countOf('/seg3.ts'), 1)
})

t.test('a stale source is told, and when it goes on', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 2]), '/live.m3u8': mediaText([1]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  await pull.said('the source is stale: nothing new for')
  source.set({ '/live.m3u8': mediaText([1, 2]) })
  await pull.said('the source goes on')
  await pull.untilText('live.m3u8', (found) => found.includes('/2-'))
  t.equal(await pull.stop(), 0)
  t.match(pull.err(), 'Stopped: 2 segments')
})

t.test('a source that is away for a while is waited for', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 2]), '/live.m3u8': mediaText([1]) })
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  await pull.untilText('live.m3u8', (found) => found.includes('/1-'))
  source.set({ '/live.m3u8': 502 })
  await pull.said('the source answers 502')
  source.set({ '/live.m3u8': 'not a playlist' })
  await pull.said('it is no playlist')
  source.set({ '/live.m3u8': mediaText([1, 2]) })
  await pull.said('the source answers again')
  await pull.untilText('live.m3u8', (found) => found.includes('/2-'))
})

t.test('variants that come and go; URLs that are signed anew are the same', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  const multivariant = (names: readonly string[], signature: string) =>
    `#EXTM3U\n${names.map((name) => `#EXT-X-STREAM-INF:BANDWIDTH=${name.length}\n${name}/v.m3u8?sig=${signature}\n`).join('')}`
  source.set({
    ...segments([1], '/one'),
    ...segments([1], '/second'),
    '/one/v.m3u8': mediaText([1]),
    '/second/v.m3u8': mediaText([1]),
    '/m.m3u8': multivariant(['one'], 'first'),
  })
  const pull = startPull(t, origin, `${source.url}/m.m3u8`, { multivariantEveryMs: 1000 })
  const before = await pull.untilText('m.m3u8', (found) => urisOf(found).length === 1)
  source.set({ '/m.m3u8': multivariant(['one'], 'again') })
  while (!source.asked.some(({ path }) => path === '/one/v.m3u8?sig=again')) {
    await sleep(10)
  }
  t.equal(await pull.text('m.m3u8'), before)
  source.set({ '/m.m3u8': multivariant(['one', 'second'], 'again') })
  const both = await pull.untilText('m.m3u8', (found) => urisOf(found).length === 2)
  t.equal(urisOf(both)[0], urisOf(before)[0])
  t.equal(urisOf(await pull.text(urisOf(both)[1] ?? '')).length, 1, 'it was there first')
  source.set({ '/m.m3u8': multivariant(['second'], 'again') })
  const last = await pull.untilText('m.m3u8', (found) => urisOf(found).length === 1)
  t.equal(urisOf(last)[0], urisOf(both)[1])
  t.equal(source.countOf('/one/seg1.ts'), 1)
})

t.test('the same names in other folders and on other hosts do not collide', async (t) => {
  const [origin, source, other] = [
    await openOrigin(t),
    await HlsSource.open(t),
    await HlsSource.open(t),
  ]
  for (const [server, words] of [
    [source, 'here'],
    [other, 'there'],
  ] as const) {
    server.set({ '/v.m3u8': mediaText([1], { ended: true }), '/seg1.ts': tsBody(words) })
  }
  source.set({
    '/x/v.m3u8': mediaText([1], { ended: true }),
    '/x/seg1.ts': tsBody('folder'),
    '/m.m3u8': [
      ...['#EXTM3U', '#EXT-X-STREAM-INF:BANDWIDTH=1', 'v.m3u8'],
      ...['#EXT-X-STREAM-INF:BANDWIDTH=2', 'x/v.m3u8'],
      ...['#EXT-X-STREAM-INF:BANDWIDTH=3', `${other.url}/v.m3u8`],
      ...['#EXT-X-STREAM-INF:BANDWIDTH=4', 'v.m3u8?quality=2'],
    ].join('\n'),
  })
  const pull = startPull(t, origin, `${source.url}/m.m3u8`)
  t.equal(await pull.done, 0)
  const uris = urisOf(await pull.text('m.m3u8'))
  t.equal(new Set(uris).size, 4)
  const bodies = await Promise.all(
    uris.map(async (uri) => {
      const folder = uri.slice(0, uri.lastIndexOf('/'))
      return (await pull.text(`${folder}/${urisOf(await pull.text(uri))[0]}`))?.slice(1)
    }),
  )
  t.strictSame(bodies, ['here', 'folder', 'there', 'here'])
})

t.test('an origin that was restarted empty gets everything again', async (t) => {
  const [first, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ ...segments([1, 2, 3]), '/live.m3u8': mediaText([1, 2]) })
  let isDown = false
  // Stands before the origin: what is down resets connections.
  const gate = await HlsSource.open(t)
  const store = new Map<string, string>()
  const forward: Parameters<HlsSource['set']>[0][string] = (incoming, response) => {
    if (isDown) return void incoming.socket.destroy()
    const { method, headers, url = '' } = incoming
    if (method === 'PUT') store.set(url.split('?')[0] ?? '', url)
    const outgoing = request(`${first.dataPlaneUrl}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(outgoing)
  }
  gate.answers.get = () => forward
  const origin = { dataPlaneUrl: gate.url, keys: first.keys }
  const pull = startPull(t, origin, `${source.url}/live.m3u8`)
  await pull.untilText('live.m3u8', (found) => found.includes('/2-'))
  isDown = true
  source.set({ '/live.m3u8': mediaText([1, 2, 3]) })
  while (source.countOf('/seg3.ts') === 0) await sleep(10)
  for (const path of store.keys()) {
    const headers = { authorization: first.keys.encoder ?? '' }
    await http(`${first.dataPlaneUrl}${path}`, { method: 'DELETE', headers })
  }
  isDown = false
  const text = await pull.untilText('live.m3u8', (found) => found.includes('/3-'))
  for (const uri of urisOf(text)) t.ok(await pull.bytes(uri), uri)
  t.match(pull.err(), 'the cache has lost what it had')
})
