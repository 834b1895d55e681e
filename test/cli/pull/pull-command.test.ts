import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { cli, readyLine, startCli } from '../cli-run.ts'
import { HlsSource, mediaText, tsBody } from './hls-source.ts'
import { startPull, urisOf } from './pull-run.ts'

t.test('a running server is found, and gets a key of its own for the pull', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, ['--port', '0', '--admin-port', '0'], { cwd })
  const { dataPlaneUrl = '' } = readyLine(server.out())
  const source = await HlsSource.open(t)
  source.set({ '/film.m3u8': mediaText([1], { ended: true }), '/seg1.ts': tsBody('one') })
  const pull = (...flags: readonly string[]) =>
    cli(['pull', `${source.url}/film.m3u8`, '--key-prefix', 'films/', ...flags], { cwd })
  const pulled = await pull('--cache', 'live-origin', '--allow-private')
  t.equal(pulled.exitCode, 0, pulled.err)
  t.match(JSON.parse(pulled.out), {
    event: 'ready',
    playerUrl: `${dataPlaneUrl}/play/live-origin/films/film.m3u8`,
  })
  // The shape of a file that the server wrote.
  const { apiKey } = JSON.parse(
    readFileSync(join(cwd, '.headwater', 'player-key.json'), 'utf8'),
  ) as { readonly apiKey: string }
  const headers = { authorization: apiKey }
  const url = `${dataPlaneUrl}/cache/live-origin/films/film.m3u8`
  t.match((await http(url, { headers })).text, '#EXT-X-ENDLIST')
  const keys = await cli(['key', 'list'], { cwd })
  t.match(keys.out, /readwrite on live-origin \(prefix films\/\) +revoked .* pull/)

  t.match((await pull('--cache', 'nowhere', '--allow-private')).err, 'HW_CACHE_NOT_FOUND')
  const own = await cli(['pull', url, '--cache', 'live-origin', '--key-prefix', 'films/'], { cwd })
  t.equal(own.exitCode, 2)
  t.match(own.err, 'The source is where it is to be pulled to.')
  const refused = await pull('--cache', 'live-origin', '--json')
  t.equal(refused.exitCode, 1)
  t.match(JSON.parse(refused.out), { error: { code: 'HW_PULL_FAILED', detail: /--allow-private/ } })
})

t.test('wrong command lines: exit code 2, and no credential in the words', async (t) => {
  const cwd = t.testdir()
  const url = 'https://me:secret@x.test/a.m3u8?token=secret'
  for (const [argv, words] of [
    [[url], '--cache is missing'],
    [[url, '--cache', 'a/b'], '--cache is no cache name'],
    [['--cache', 'a'], 'URL is missing'],
    [[url, 'more', '--cache', 'a'], 'a word too many'],
    [[url, '--cache', 'a', '--key-prefix', 'news'], '--key-prefix is folders'],
    [[url, '--cache', 'a', '--key-prefix', '../'], 'a folder that URLs cannot have'],
    [[url, '--cache', 'a', '--key-prefix', `${'a'.repeat(512)}/`], '--key-prefix is folders'],
    [[url, '--cache', 'a', '--ttl-seconds', '0'], '--ttl-seconds is a number'],
    [[url, '--cache', 'a', '--ttl-seconds', '2678401'], '--ttl-seconds is a number'],
    [[url, '--cache', 'a', '--seconds', 'x'], '--seconds is a number'],
    [[url, '--cache', 'a', '--allow-address', '10.0.0.0/99'], '--allow-address'],
    [[url, '--cache', 'a', '--key', 'k'], '--key and --key-file are for --to'],
    [[url, '--cache', 'a', '--to', 'http://x.test'], '--to needs the encoder key'],
    [[url, '--cache', 'a', '--to', 'x', '--key', 'k'], '--to needs the URL'],
    [[url, '--cache', 'a', '--to', 'http://x', '--key', 'k', '--key-file', 'f'], 'not both'],
    [[url, '--cache', 'a', '--to', 'http://x', '--admin-url', 'http://y'], 'exclude each other'],
    [['ftp://x.test/secret', '--cache', 'a'], 'not the URL of a source'],
    [['/secret.m3u8', '--cache', 'a'], 'not the URL of a source'],
  ] as const) {
    const run = await cli(['pull', ...argv], { cwd })
    t.equal(run.exitCode, 2, argv.slice(1).join(' '))
    t.match(run.err, words)
    t.notMatch(run.err, 'secret')
  }
})

t.test('a source that cannot be read at first: exit code 1 with advice', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({
    '/locked.m3u8': 401,
    '/page.m3u8': '<html>',
    '/busy.m3u8': 500,
    '/many.m3u8': `#EXTM3U\n${Array.from({ length: 65 }, (_, n) => `#EXT-X-STREAM-INF:BANDWIDTH=1\n${n}.m3u8\n`).join('')}`,
    '/none.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nnone/v.m3u8\n',
    '/self.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n',
    '/long.m3u8': mediaText(Array.from({ length: 20_001 }, (_, index) => index)),
    '/huge.m3u8': Buffer.alloc(8 * 1024 * 1024 + 1, '#'),
  })
  for (const [name, words] of [
    ['locked', 'answers 401'],
    ['absent', 'answers 404'],
    ['page', 'it is no playlist'],
    ['busy', 'answers 500'],
    ['many', 'it names 65 media playlists, more than 64'],
    ['none', 'Nothing of'],
    ['self', 'Nothing of'],
    ['long', 'it names more than 20000 segments'],
    ['huge', 'it is larger than 8388608 bytes'],
  ] as const) {
    // What failed so often is not live: it does not go on for ever.
    const pull = startPull(t, origin, `${source.url}/${name}.m3u8`)
    t.equal(await pull.done, 1, name)
    t.match(pull.err(), 'HW_PULL_FAILED', name)
    t.match(pull.err(), words, name)
  }
  t.equal(source.countOf('/none/v.m3u8'), 6)
})

t.test('URIs of playlists and keys into refused addresses are lost, not asked', async (t) => {
  const origin = await openOrigin(t)
  const source = await HlsSource.open(t, '127.0.0.2')
  const inner = await HlsSource.open(t)
  inner.set({ '/key': Buffer.alloc(16), '/seg.ts': tsBody('inner') })
  source.set({
    '/film.m3u8': mediaText([1, 2, 3, 4], {
      ended: true,
      tags: { 3: `#EXT-X-KEY:METHOD=AES-128,URI="${inner.url}/key"`, 4: '#EXT-X-KEY:METHOD=NONE' },
      uri: (number) => (number === 1 ? `${inner.url}/seg.ts` : `seg${number}.ts`),
    }),
    '/seg2.ts': (_, response) => response.writeHead(302, { location: `${inner.url}/seg.ts` }).end(),
    '/seg3.ts': tsBody('three'),
    '/seg4.ts': tsBody('four'),
  })
  const flags = ['--allow-address', '127.0.0.2', '--ttl-seconds', '60']
  const pull = startPull(t, origin, `http://127.0.0.2:${source.port}/film.m3u8`, { flags })
  t.equal(await pull.done, 1)
  t.equal(inner.asked.length, 0)
  const names = urisOf(await pull.text('film.m3u8')).map((uri) => uri.replace(/^.*\//, ''))
  t.match(names, ['1-lost.ts', '2-lost.ts', '3-lost.ts', /^4-\w{12}\.ts$/])
  t.match(pull.err(), /segment 1 is lost: it is this machine, which a pull may not ask/)
})

t.test('a segment that is too large or never ends is a gap; a slow one is not', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({
    '/film.m3u8': mediaText([1, 2, 3], { ended: true }),
    '/seg1.ts': (_, response) => response.writeHead(200, { 'content-length': 20_000_000 }).end(),
    '/seg2.ts': (_, response) => {
      const push = () => {
        if (!response.destroyed) response.write(Buffer.alloc(262_144), () => setImmediate(push))
      }
      push()
    },
    '/seg3.ts': (_, response) => {
      response.writeHead(200, { 'content-length': 4 }).write('G')
      setTimeout(() => response.end('abc'), 300)
    },
  })
  const pull = startPull(t, origin, `${source.url}/film.m3u8`)
  t.equal(await pull.done, 1)
  const names = urisOf(await pull.text('film.m3u8')).map((uri) => uri.replace(/^.*\//, ''))
  t.match(names, ['1-lost.ts', '2-lost.ts', /^3-\w{12}\.ts$/])
  t.match(pull.err(), 'it is larger than 10485760 bytes')
})

t.test('the URL from stdin, the end of a window, a terminal, an end by time', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  const numbers = [1, 2, 3, 4, 5, 6]
  source.set({
    '/live.m3u8': mediaText(numbers),
    ...Object.fromEntries(numbers.map((number) => [`/seg${number}.ts`, tsBody(`${number}`)])),
  })
  const pull = startPull(t, origin, '-', {
    stdin: `${source.url}/live.m3u8?token=very-secret\n`,
    flags: ['--allow-private', '--last-seconds', '4', '--seconds', '30'],
    tty: true,
  })
  t.equal(await pull.done, 0)
  t.match(await pull.text('live.m3u8'), '#EXT-X-MEDIA-SEQUENCE:5')
  t.equal(source.countOf('/seg4.ts'), 0)
  t.equal(source.asked[0]?.path, '/live.m3u8?token=very-secret')
  t.match(pull.err(), 'It can be played now.')
  t.match(pull.err(), 'Stopped: 2 segments')
  t.notMatch(pull.err() + pull.out(), 'very-secret')
})

t.test('a key that may not write ends it; nothing is tried again', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  source.set({ '/live.m3u8': mediaText([1]), '/seg1.ts': tsBody('one') })
  const readOnly = { ...origin, keys: { ...origin.keys, encoder: origin.keys.player } }
  const pull = startPull(t, readOnly, `${source.url}/live.m3u8`)
  t.equal(await pull.done, 1)
  t.match(pull.err(), /HW_PULL_FAILED: The origin does not take what is pulled: 403/)
})

t.test('an origin that has no time is waited for', async (t) => {
  const [origin, source] = [await openOrigin(t), await HlsSource.open(t)]
  const gate = await HlsSource.open(t)
  let putCount = 0
  gate.answers.get = () => (_, response) => {
    putCount += 1
    response.writeHead(putCount < 4 ? 503 : 204).end()
  }
  source.set({ '/film.m3u8': mediaText([1], { ended: true }), '/seg1.ts': tsBody('one') })
  const pull = startPull(t, { ...origin, dataPlaneUrl: gate.url }, `${source.url}/film.m3u8`)
  t.equal(await pull.done, 0)
  t.equal(putCount, 5)
})
