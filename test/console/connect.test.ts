import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { formatPlayerUrl } from '../../src/cli/player-link.ts'
import { formatPushLines } from '../../src/cli/shell-lines.ts'
import { fillTemplate, originAddress } from '../../src/console/connect/cdn-template.ts'
import type { CdnFiles } from '../../src/console/connect/cdn-template.ts'
import {
  ENCODER_KEY,
  PLAYER_KEY,
  checkKeyPrefix,
  guessShell,
  parseAddress,
  parseKey,
  playPageUrl,
  playlistUrlWithToken,
  toKeyPrefix,
  toUrlKey,
  unwrapKey,
} from '../../src/console/connect/connect-target.ts'
import type { ConnectTarget } from '../../src/console/connect/connect-target.ts'
import type { RecipePart } from '../../src/console/connect/recipe.ts'
import { buildRecipes } from '../../src/console/connect/recipes.ts'

const DOCKER = new URL('../../docker/', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, DOCKER), 'utf8')
const FILES: CdnFiles = {
  varnish: read('cdn/varnish/default.vcl'),
  nginx: read('cdn/nginx/nginx.conf'),
  cloudFront: read('cloudfront/distribution.yaml'),
}
const WRAPPED = btoa(JSON.stringify({ endpoint: '127.0.0.1:8080', api_key: 'inner.jwt-_' }))

const target: ConnectTarget = {
  shell: 'bash',
  dataPlaneUrl: 'https://origin.example.com:8443',
  cacheName: 'live.origin',
  keyPrefix: 'studio-1/',
  encoderKey: 'the-encoder-key',
  playerKey: 'the-player-key',
}
const SHELLS = ['bash', 'powershell', 'cmd'] as const

function partsOf(name: string, from: ConnectTarget = target): readonly RecipePart[] {
  const found = buildRecipes(from, FILES)
    .flatMap(({ recipes }) => recipes)
    .find((recipe) => recipe.name === name)
  return found?.parts ?? []
}

/** Everything that is shown, as one text. */
const textOf = (name: string, from: ConnectTarget = target) => JSON.stringify(partsOf(name, from))

t.test('the ffmpeg line is the one that the terminal prints, for each shell', async (t) => {
  for (const shell of SHELLS) {
    const printed = formatPushLines({
      shell,
      publicUrl: target.dataPlaneUrl,
      cacheName: target.cacheName,
      keyFile: '/x/encoder-key.json',
      devKey: target.encoderKey,
      columns: 100,
    })
    const [line] = partsOf('ffmpeg', { ...target, shell, keyPrefix: '' }).filter(
      ({ kind }) => kind === 'lines',
    )
    t.equal(line?.kind === 'lines' && line.text, printed, shell)
  }
})

t.test('the player page is the address that the terminal prints', async (t) => {
  for (const playerKey of ['plain-key', WRAPPED, 'with/slash+plus=']) {
    const printed = formatPlayerUrl({
      publicUrl: target.dataPlaneUrl,
      cacheName: target.cacheName,
      playlistKey: `${target.keyPrefix}playlist.m3u8`,
      playerKey,
    })
    t.equal(playPageUrl({ ...target, playerKey }), printed)
  }
  t.notMatch(playPageUrl({ ...target, playerKey: PLAYER_KEY }), /#/)
})

t.test('every program has its recipe, with the address, the cache and the folder', async (t) => {
  const groups = buildRecipes(target, FILES)
  t.same(
    groups.map(({ title, recipes }) => [title, recipes.map(({ name }) => name)]),
    [
      ['Push', ['ffmpeg', 'obs', 'medialive', 'shaka']],
      ['Deliver', ['cloudfront', 'varnish', 'nginx']],
      ['Watch', ['page', 'vlc', 'hls-js']],
    ],
  )
  for (const { name } of groups.flatMap(({ recipes }) => recipes)) {
    const text = textOf(name)
    t.match(text, /origin\.example\.com/, name)
    t.match(text, /live\.origin/, name)
    t.match(text, /studio-1\//, name)
  }
  t.same(buildRecipes(target, undefined)[1]?.recipes, [], 'files that are not there yet')
})

t.test('who pushes gets the encoder key, who reads the player key, nobody both', async (t) => {
  for (const name of ['ffmpeg', 'medialive', 'shaka']) {
    t.ok(textOf(name).includes('the-encoder-key'), name)
    t.notOk(textOf(name).includes('the-player-key'), name)
  }
  for (const name of ['cloudfront', 'varnish', 'nginx', 'page', 'vlc', 'hls-js']) {
    t.ok(textOf(name).includes('the-player-key'), name)
    t.notOk(textOf(name).includes('the-encoder-key'), name)
  }
  const none = { ...target, encoderKey: ENCODER_KEY, playerKey: PLAYER_KEY }
  t.match(textOf('ffmpeg', none), /Authorization: ENCODER_KEY/)
  t.match(textOf('varnish', none), /\\"PLAYER_KEY\\"/)
})

t.test('the variants of ffmpeg write the query on every name', async (t) => {
  const [single = '', ladder = '', fmp4 = ''] = partsOf('ffmpeg').flatMap((part) =>
    part.kind === 'lines' ? [part.text] : [],
  )
  t.equal(single.match(/\?ttl_seconds=3600/g)?.length, 2)
  t.equal(ladder.match(/\?ttl_seconds=3600/g)?.length, 3)
  t.match(ladder, /-var_stream_map 'v:0,a:0,name:720p30 /)
  t.match(fmp4, /-hls_segment_type fmp4 -hls_fmp4_init_filename 'init\.mp4\?ttl_seconds=86400'/)
  t.match(fmp4, /playlist_%05d\.m4s\?ttl_seconds=3600/)
  t.match(textOf('ffmpeg', { ...target, shell: 'cmd' }), /not for a batch file/)
})

t.test('other encoders', async (t) => {
  const obs = textOf('obs')
  t.match(obs, /-listen 1 -i rtmp:\/\/127\.0\.0\.1:1935\/live\/obs -c copy/)
  t.match(obs, /token=the-encoder-key&ttl_seconds=3600&key=studio-1\/playlist\.m3u8/)
  const mediaLive = textOf('medialive')
  t.match(mediaLive, /playlist\.m3u8\?token=the-encoder-key&ttl_seconds=3600&role=origin/)
  t.match(mediaLive, /playlist\.m3u8\?ttl_seconds=3600&role=origin/)
  t.notMatch(mediaLive, /AWS does not reach/)
  const local = { ...target, dataPlaneUrl: 'http://127.0.0.1:8080' }
  t.match(textOf('medialive', local), /AWS does not reach/)
  const shaka = textOf('shaka')
  t.match(shaka, /'in=udp:[^']*https:\/\/momento:the-encoder-key@origin[^']*video_\$Number\$\.ts/)
  t.match(shaka, /--hls_master_playlist_output/)
})

t.test('CDNs are filled in as render.sh does it', async (t) => {
  const plain = { ...target, dataPlaneUrl: 'http://origin.example.com:8081' }
  const rendered = (file: string) =>
    spawnSync('sh', [fileURLToPath(new URL('cdn/render.sh', DOCKER)), file], {
      cwd: fileURLToPath(new URL('cdn/', DOCKER)),
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'] ?? '',
        ORIGIN_HOST: 'origin.example.com',
        ORIGIN_PORT: '8081',
        CACHE_NAME: plain.cacheName,
        PLAYER_KEY: plain.playerKey,
      },
    }).stdout
  if (process.platform !== 'win32') {
    t.equal(fillTemplate(FILES.varnish, plain), rendered('varnish/default.vcl'))
    t.equal(fillTemplate(FILES.nginx, plain), rendered('nginx/nginx.conf'))
  }
  const hostile = fillTemplate(FILES.varnish, { ...plain, playerKey: 'a";}evil' })
  t.notOk(hostile.includes('evil'), 'a key that would end the string is left out')
  t.match(textOf('varnish'), /speaks no TLS/)
  t.notMatch(textOf('varnish', plain), /speaks no TLS/)
  t.match(textOf('cloudfront', plain), /needs an https address/)
  t.match(textOf('cloudfront'), /OriginHttpsPort=8443/)
  t.match(textOf('cloudfront'), /"Origin path","\/cache\/live\.origin"/)
})

t.test('nothing in a key ends a script or a line', async (t) => {
  const playerKey = `x'"</script><script>alert(1)</script>`
  const text = partsOf('hls-js', { ...target, playerKey })
    .map((part) => (part.kind === 'lines' ? part.text : ''))
    .join('\n')
  t.equal(text.match(/<\/script>/g)?.length, 2, 'the two pages’ own')
  const vlc = partsOf('vlc', { ...target, playerKey: `a'; rm -rf / #` })
  t.notMatch(JSON.stringify(vlc), /rm -rf/)
})

t.test('what is typed is checked', async (t) => {
  for (const prefix of ['', 'a', 'a/', 'a/b-1_c.d']) t.equal(checkKeyPrefix(prefix), '', prefix)
  for (const prefix of ['/a', 'a//b', '../a', 'a/./b', 'a b', 'ä', '%41', 'a'.repeat(201)]) {
    t.not(checkKeyPrefix(prefix), '', prefix)
  }
  t.equal(checkKeyPrefix('a'.repeat(200)), '')
  t.same(['', 'a', 'a/'].map(toKeyPrefix), ['', 'a/', 'a/'])
  t.equal(parseAddress(' http://h:8080/ '), 'http://h:8080')
  t.equal(parseAddress('https://h/origin/'), 'https://h/origin')
  for (const bad of [
    '',
    'h',
    'ftp://h',
    'http://u@h',
    'http://h?x',
    'http://h#x',
    'javascript:1',
  ]) {
    t.equal(parseAddress(bad), undefined, bad)
  }
  t.equal(parseKey(' abc '), 'abc')
  for (const bad of ['', 'a b', 'ä', 'a'.repeat(8193)]) t.equal(parseKey(bad), undefined)
  t.equal(guessShell('Win32'), 'powershell')
  t.equal(guessShell('MacIntel'), 'bash')
  t.same(originAddress('https://h'), { scheme: 'https', host: 'h', port: '443' })
  t.same(originAddress('http://h'), { scheme: 'http', host: 'h', port: '80' })
})

t.test('a key goes into addresses without its wrapper', async (t) => {
  t.equal(unwrapKey(WRAPPED), 'inner.jwt-_')
  t.equal(toUrlKey('a/b+c='), 'a%2Fb%2Bc%3D')
  for (const text of ['plain', btoa('5'), btoa('{"api_key":5}'), btoa('[]')]) {
    t.equal(unwrapKey(text), text)
  }
  t.equal(
    playlistUrlWithToken({ ...target, playerKey: WRAPPED }),
    'https://origin.example.com:8443/cache/live.origin/studio-1/playlist.m3u8?token=inner.jwt-_',
  )
})
