import t from 'tap'
import { parsePlayAddress, parseTokenFragment, toToken } from '../../src/console/player-address.ts'
import { toPlayerState } from '../../src/console/player-state.ts'
import type { PlayerFacts, PlayerStateKind, ProbeResult } from '../../src/console/player-state.ts'
import { PlaylistContinuity } from '../../src/console/playlist-continuity.ts'

const facts: PlayerFacts = {
  cacheName: 'live-origin',
  key: 'demo/playlist.m3u8',
  hasToken: true,
  probe: { kind: 'ok' },
  retrySeconds: undefined,
  failure: undefined,
  hasEnded: false,
  isPaused: false,
  isAdvancing: false,
  hasStarted: true,
  hasPicture: true,
  isLive: true,
  segmentAgeSeconds: 1,
  targetDurationSeconds: 2,
}
const status = (statusCode: number, message = '', reason = ''): ProbeResult => ({
  kind: 'status',
  statusCode,
  message,
  reason,
})

t.test("the page's address names cache and key; the item's path stays encoded", async (t) => {
  const rows: [pathname: string, cacheName: string, key: string, itemPath: string][] = [
    ['/play/c/p.m3u8', 'c', 'p.m3u8', '/cache/c/p.m3u8'],
    ['/play/c/a/b/p.m3u8', 'c', 'a/b/p.m3u8', '/cache/c/a/b/p.m3u8'],
    ['/base/play/c/p.m3u8', 'c', 'p.m3u8', '/base/cache/c/p.m3u8'],
    ['/play/c/a%20%2Fb', 'c', 'a /b', '/cache/c/a%20%2Fb'],
    ['/play/c/100%', 'c', '100%', '/cache/c/100%'],
    ['/play/c/play/x/y', 'c', 'play/x/y', '/cache/c/play/x/y'],
  ]
  for (const [pathname, cacheName, key, itemPath] of rows) {
    t.same(parsePlayAddress(pathname), { cacheName, key, itemPath }, pathname)
  }
  const itemPathOf = (search: string) => parsePlayAddress('/base/play/c/p.m3u8', search)?.itemPath
  t.equal(itemPathOf('?scenario=flaky-404~p2'), '/base/rig/flaky-404~p2/cache/c/p.m3u8')
  for (const strange of ['?scenario=', '?scenario=../x', '?scenario=a/b', '?x=y']) {
    t.equal(itemPathOf(strange), '/base/cache/c/p.m3u8', strange)
  }
  for (const pathname of ['/', '/play', '/play/', '/play/c', '/play/c/', '/play//k', '/x/c/k']) {
    t.equal(parsePlayAddress(pathname), undefined, pathname)
  }
})

t.test('the token comes from the fragment, as it was meant', async (t) => {
  const rows: [hash: string, token: string | undefined][] = [
    ['#token=abc.d-_', 'abc.d-_'],
    ['#token=a%2Bb%3D', 'a+b='],
    ['#token=a+b==', 'a+b=='],
    ['#t=5&token=abc', 'abc'],
    ['#token=abc&t=5', 'abc'],
    ['#token=', undefined],
    ['#mytoken=abc', undefined],
    ['', undefined],
    ['#token=a%20b', undefined],
    ['#token=%C3%BC', undefined],
  ]
  for (const [hash, token] of rows) t.equal(parseTokenFragment(hash), token, hash)
  t.equal(toToken('  abc\n'), 'abc', 'pasted with blanks around it')
})

t.test('each situation has its state', async (t) => {
  const rows: [name: string, change: Partial<PlayerFacts>, kind: PlayerStateKind, words: RegExp][] =
    [
      ['not asked yet', { probe: undefined }, 'loading', /^Loading/],
      ['first picture', { hasStarted: false, hasPicture: false }, 'loading', /first picture/],
      ['live', { isAdvancing: true }, 'playing', /^Playing live/],
      ['on demand', { isAdvancing: true, isLive: false }, 'playing', /^Playing \|/],
      [
        'from the buffer',
        { isAdvancing: true, segmentAgeSeconds: 6 },
        'playing',
        /buffered.* for 6 s/,
      ],
      ['paused', { isPaused: true }, 'paused', /Paused.*Press play/],
      ['out of data', {}, 'stalled', /Stalled/],
      ['just not late', { segmentAgeSeconds: 4.99 }, 'stalled', /Stalled/],
      ['late', { segmentAgeSeconds: 5 }, 'waiting', /encoder.*No new segment for 5 s/],
      ['age unknown', { segmentAgeSeconds: undefined }, 'stalled', /Stalled/],
      ['ended', { hasEnded: true }, 'ended', /has ended/],
      ['cannot', { failure: 'No decoder.' }, 'failed', /No decoder/],
      ['no answer', { probe: { kind: 'no-answer' } }, 'unreachable', /Is the server running\?$/],
      ['not HLS', { probe: { kind: 'not-a-playlist' } }, 'failed', /#EXTM3U/],
      ['401', { probe: status(401, '', 'expired.') }, 'refused', /not accepted.*expired\. It may/],
      ['401, no reason', { probe: status(401) }, 'refused', /\| It may have expired/],
      ['401, no key', { probe: status(401), hasToken: false }, 'refused', /A key is needed/],
      ['403', { probe: status(403, '', 'write only') }, 'refused', /write only\. Use a key/],
      ['no cache', { probe: status(404, 'Cache Not Found') }, 'no-cache', /“live-origin”/],
      ['no key', { probe: status(404, 'Key Not Found') }, 'waiting', /Is the encoder running/],
      ['503', { probe: status(503, 'Busy', '') }, 'unreachable', /503 \| Busy\./],
    ]
  for (const [name, change, kind, words] of rows) {
    const state = toPlayerState({ ...facts, ...change })
    t.equal(state.kind, kind, name)
    t.match(`${state.title} | ${state.advice}`, words, name)
  }
})

t.test('the wait for the next attempt is told in whole seconds, at least one', async (t) => {
  const probe = status(404, 'Key Not Found')
  for (const [retrySeconds, words] of [
    [2.1, 'again in 3 s.'],
    [0, 'again in 1 s.'],
  ] as const) {
    t.match(toPlayerState({ ...facts, probe, retrySeconds }).advice, words)
  }
})

t.test('a playlist that goes on elsewhere is told from one that goes on', async (t) => {
  const continuity = new PlaylistContinuity()
  const rows: [url: string, firstMsn: number, lastMsn: number, change: string][] = [
    ['a', 10, 15, 'advanced'],
    ['a', 10, 15, 'same'],
    ['a', 12, 17, 'advanced'],
    ['b', 11, 16, 'same'],
    ['b', 30, 35, 'broken'],
    ['b', 36, 41, 'advanced'],
    ['b', 43, 48, 'broken'],
    ['b', 0, 5, 'broken'],
    ['a', 90, 95, 'advanced'],
  ]
  for (const [url, firstMsn, lastMsn, change] of rows) {
    t.equal(continuity.follow(url, firstMsn, lastMsn), change, `${url} ${firstMsn}-${lastMsn}`)
  }
})
