/** Which requests a rule is for: by table, under a clock that moves when told. */

import t from 'tap'
import { itemKeyFromText, parseCacheName, toStoreKey } from '../../src/base/names.ts'
import type { CacheName, ItemKey } from '../../src/base/names.ts'
import { parseFaultFile, FAULT_FILE_CHARS_MAX } from '../../src/rig/fault-file.ts'
import { FAULT_WILDCARDS_MAX } from '../../src/rig/fault-rule.ts'
import type { FaultedRequest, PlaceInPlaylist } from '../../src/rig/fault-rule.ts'
import { FAULTS_MAX } from '../../src/rig/fault-schema.ts'
import type { Fault, FaultMatch } from '../../src/rig/fault-schema.ts'
import { Faults, SCENARIO_RUNS_MAX } from '../../src/rig/faults.ts'
import { lowerSequence, prefixItemUris } from '../../src/rig/playlist-faults.ts'
import { SHIPPED_SCENARIOS } from '../../src/rig/shipped-scenarios.ts'
import { ManualClock } from '../support/manual-clock.ts'

const CACHE = parseCacheName('live') as CacheName // A name by its look.

interface Asked {
  readonly operation?: FaultedRequest['operation']
  readonly key?: string
  readonly kind?: ReturnType<FaultedRequest['kind']>
  readonly places?: readonly PlaceInPlaylist[]
  readonly clientAddress?: string
  readonly userAgent?: string
}

function asked(options: Asked = {}): FaultedRequest {
  const key = itemKeyFromText(options.key ?? 'a/7.ts') as ItemKey // Not empty, not long.
  return {
    operation: options.operation ?? 'read',
    cacheName: CACHE,
    key,
    storeKey: toStoreKey(CACHE, key),
    clientAddress: options.clientAddress ?? '10.1.2.3',
    userAgent: options.userAgent ?? 'hls.js in Chromium',
    kind: () => options.kind ?? 'segment',
    places: () => options.places ?? [place(7, 9)],
  }
}

function place(sequence: number, edgeSequence: number, rendition = 'a/720p.m3u8') {
  return { renditionKey: rendition as ItemKey, sequence, edgeSequence }
}

t.test('a rule is for what it says, and for nothing else', async (t) => {
  const cases: [FaultMatch, Asked, boolean][] = [
    [{}, {}, true],
    [{}, { operation: 'write' }, false],
    [{ operation: 'write' }, { operation: 'write' }, true],
    [{ cache: 'live' }, {}, true],
    [{ cache: 'other' }, {}, false],
    [{ key: '*.ts' }, {}, true],
    [{ key: 'b/**' }, {}, false],
    [{ kind: 'segment' }, { kind: 'part' }, true],
    [{ kind: 'part' }, { kind: 'segment' }, false],
    [{ kind: 'playlist' }, { kind: 'media' }, true],
    [{ kind: 'playlist' }, { kind: 'multivariant' }, true],
    [{ kind: 'playlist' }, { kind: 'playlist' }, true],
    [{ kind: 'media' }, { kind: 'multivariant' }, false],
    [{ rendition: '720p*' }, {}, true],
    [{ rendition: '480p*' }, {}, false],
    [{ rendition: '480p*' }, { places: [place(7, 9), place(1, 2, '480p.m3u8')] }, true],
    [{ sequenceFrom: 7, sequenceTo: 7 }, {}, true],
    [{ sequenceFrom: 8 }, {}, false],
    [{ sequenceTo: 6 }, {}, false],
    [{ sequenceFrom: 0 }, { places: [] }, false],
    [{ edgeFrom: -2 }, {}, true],
    [{ edgeFrom: -1 }, {}, false],
    [{ edgeTo: -3 }, {}, false],
    [{ edgeTo: -2 }, {}, true],
    [{ client: '10.0.0.0/8' }, {}, true],
    [{ client: '10.1.2.4' }, {}, false],
    [{ client: '::1' }, { clientAddress: '::1' }, true],
    [{ userAgent: 'HLS.JS' }, {}, true],
    [{ userAgent: 'VLC' }, {}, false],
    [{ fromSeconds: 1 }, {}, false],
    [{ untilSeconds: 0 }, {}, true],
  ]
  for (const [match, request, isMet] of cases) {
    const faults = new Faults(new ManualClock())
    faults.add({ action: 'status', match })
    const met = faults.take(asked(request), undefined)
    t.equal(met.length, isMet ? 1 : 0, `${JSON.stringify(match)} ${JSON.stringify(request)}`)
  }
})

t.test('skip, count and the time window', async (t) => {
  const clock = new ManualClock()
  const faults = new Faults(clock)
  faults.add({ id: 'counted', action: 'status', match: { skip: 2, count: 3 } })
  const met = Array.from({ length: 8 }, () => faults.take(asked(), undefined).length)
  t.strictSame(met, [0, 0, 1, 1, 1, 0, 0, 0])
  t.match(faults.everybody.list(), [{ matchedCount: 5, appliedCount: 3, isSpent: true }])
  faults.clear()
  faults.add({ action: 'status', match: { fromSeconds: 10, untilSeconds: 20 } })
  const at: number[] = []
  for (let second = 0; second <= 25; second++) {
    if (faults.take(asked(), undefined).length > 0) at.push(second)
    clock.advance(1000)
  }
  t.strictSame([at[0], at.at(-1)], [10, 20])
})

t.test('a fault that was forgotten ends by itself, to the millisecond', async (t) => {
  const clock = new ManualClock()
  const faults = new Faults(clock)
  faults.add({ action: 'status' })
  faults.add({ action: 'no-cors', limitSeconds: 5 })
  clock.advance(4999)
  t.equal(faults.take(asked(), undefined).length, 2)
  clock.advance(1)
  t.equal(faults.take(asked(), undefined).length, 1)
  t.equal(faults.everybody.list().length, 1)
  clock.advance(3_595_000)
  t.equal(faults.take(asked(), undefined).length, 0, 'one hour unless said')
})

t.test('a limit that has passed is told, though nobody asks', async (t) => {
  const clock = new ManualClock()
  const told: string[] = []
  const faults = new Faults(clock, ({ kind, faultId, activeCount }) =>
    told.push(`${kind} ${faultId} ${activeCount}`),
  )
  faults.add({ id: 'long', action: 'status', limitSeconds: 20 })
  faults.add({ id: 'short', action: 'no-cors', limitSeconds: 5 })
  clock.advance(4999)
  t.strictSame(told, ['added long 1', 'added short 2'])
  clock.advance(1)
  t.strictSame(told.slice(2), ['lapsed short 1'])
  faults.add({ id: 'short', action: 'no-cors', limitSeconds: 30 })
  clock.advance(15_000)
  t.strictSame(told.slice(3), ['added short 2', 'lapsed long 1'])
  faults.clear()
  clock.advance(60_000)
  t.strictSame(told.slice(5), ['cleared  0'], 'what was taken away does not end again')
  t.equal(clock.timerCount, 0)
})

t.test('the same seed gives the same events ten times, whatever comes in between', async (t) => {
  const play = (seed: number, shuffle: boolean) => {
    const faults = new Faults(new ManualClock())
    faults.add({ action: 'status', seed, match: { kind: 'segment', probability: 0.4 } })
    faults.add({ action: 'delay', seed, match: { probability: 0.2, skip: 3 } })
    for (let number = 0; number < 40; number++) {
      if (shuffle) faults.take(asked({ key: `audio/${number}.ts`, kind: 'other' }), undefined)
      for (let turn = 0; turn < 2; turn++) faults.take(asked({ key: `${number}.ts` }), undefined)
    }
    return faults
      .events()
      .filter(({ key, action }) => !key.startsWith('audio/') && action === 'status')
      .map(({ key, action, faultId, operation }) => [key, action, faultId, operation])
  }
  const first = play(5, false)
  t.ok(first.length > 20 && first.length < 44, `${first.length} of 80`)
  for (let round = 0; round < 10; round++) t.strictSame(play(5, round > 4), first)
  t.notSame(play(6, false), first)
})

t.test('bounds: faults, names, runs of scenarios, files', async (t) => {
  const faults = new Faults(new ManualClock())
  for (let number = 0; number < FAULTS_MAX; number++) faults.add({ action: 'status' })
  t.throws(() => faults.add({ action: 'status' }), { code: 'HW_FAULTS_FULL' })
  t.equal(faults.clear(), FAULTS_MAX)
  faults.add({ id: 'a', action: 'status' })
  t.throws(() => faults.add({ id: 'a', action: 'delay' }), { code: 'HW_FAULT_EXISTS' })
  t.throws(() => faults.delete('b'), { code: 'HW_FAULT_NOT_FOUND' })
  const first = faults.run('clean')
  for (let number = 0; number < SCENARIO_RUNS_MAX; number++) faults.run(`clean~${number}`)
  t.not(faults.run('clean'), first, 'the oldest run has gone')
  const text = 'faults: []\n'
  t.ok(parseFaultFile(text + ' '.repeat(FAULT_FILE_CHARS_MAX - text.length)))
  t.throws(() => parseFaultFile(text + ' '.repeat(FAULT_FILE_CHARS_MAX)), /chars/)
})

t.test('what makes no sense is refused', async (t) => {
  const wrong: Fault[] = [
    { action: 'lose', match: { operation: 'read' } },
    { action: 'throttle', match: { operation: 'write' } },
    { action: 'rendition-gone' },
    { action: 'status', match: { client: 'somebody' } },
    { action: 'status', match: { sequenceFrom: 2, sequenceTo: 1 } },
    { action: 'status', match: { edgeFrom: -1, edgeTo: -2 } },
    { action: 'status', match: { fromSeconds: 2, untilSeconds: 1 } },
    { action: 'status', match: { key: 'ä'.repeat(1000) } },
    { action: 'status', match: { key: '*a'.repeat(FAULT_WILDCARDS_MAX + 1) } },
    { action: 'status', match: { rendition: '**a'.repeat(FAULT_WILDCARDS_MAX + 1) } },
  ]
  new Faults(new ManualClock()).add({
    action: 'status',
    match: { key: '*a'.repeat(FAULT_WILDCARDS_MAX) },
  })
  for (const fault of wrong) {
    const faults = new Faults(new ManualClock())
    t.throws(() => faults.add(fault), { code: 'HW_FAULT_INVALID' }, JSON.stringify(fault))
  }
  for (const text of [
    'faults: [',
    'other: 1',
    'faults:\n  - action: status\n    statusCode: 200',
    'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]',
    'scenarios:\n  "../up":\n    faults: []',
  ]) {
    t.throws(() => parseFaultFile(text), { code: 'HW_FAULT_INVALID' }, text)
  }
})

t.test('a run of a scenario has its own counts, and begins anew after a minute', async (t) => {
  const clock = new ManualClock()
  const faults = new Faults(clock)
  faults.define({
    name: 'once',
    description: '',
    faults: [{ action: 'status', match: { count: 1 } }],
  })
  const take = (path: string) => faults.take(asked(), faults.run(path)).length
  t.strictSame([take('once'), take('once'), take('once~b')], [1, 0, 1])
  t.equal(faults.take(asked(), undefined).length, 0, 'nobody else meets it')
  clock.advance(59_999)
  t.equal(take('once'), 0)
  clock.advance(60_000)
  t.equal(take('once'), 1)
  t.match(faults.events().at(-1), { scenario: 'once', number: 3 })
  t.equal(faults.run('nobody'), undefined)
  t.equal(faults.run('once~'), undefined)
  t.throws(() => faults.define({ name: 'clean', description: '', faults: [] }), {
    code: 'HW_FAULT_EXISTS',
  })
  t.throws(() => faults.undefine('clean'), { code: 'HW_SCENARIO_NOT_FOUND' })
  faults.reset()
  t.equal(faults.run('once'), undefined)
  t.strictSame(faults.events(), [])
})

t.test('every scenario that is shipped can run', async (t) => {
  const faults = new Faults(new ManualClock())
  t.ok(Object.keys(SHIPPED_SCENARIOS).length >= 12)
  for (const name of Object.keys(SHIPPED_SCENARIOS)) t.ok(faults.run(name), name)
  const { scenarios, faults: own } = parseFaultFile(
    JSON.stringify({ scenarios: Object.fromEntries(Object.entries(SHIPPED_SCENARIOS)) }),
  )
  t.equal(own, undefined)
  t.same(Object.keys(scenarios ?? {}), Object.keys(SHIPPED_SCENARIOS), 'and stand in a file')
})

t.test('a rendition is gone whether its folder or its file is named after it', async (t) => {
  const faults = new Faults(new ManualClock())
  const isGone = (rendition: string) =>
    faults.take(asked({ places: [place(7, 9, rendition)] }), faults.run('gone-rendition')).length >
    0
  for (const gone of ['360p/list.m3u8', 'a/v480/x/y.m3u8', 'a/live_240p.m3u8', '240.m3u8']) {
    t.ok(isGone(gone), gone)
  }
  t.notOk(isGone('a/720p/list.m3u8'))
})

t.test('the sequence is lowered, never below 0', async (t) => {
  t.equal(
    lowerSequence('#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:12\n', 5),
    '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n',
  )
  t.equal(lowerSequence('#EXT-X-MEDIA-SEQUENCE:3', 5), '#EXT-X-MEDIA-SEQUENCE:0')
  t.equal(lowerSequence('#EXTM3U\n', 5), '#EXTM3U\n')
})

t.test('URIs from the root and by our host get the prefix, no others', async (t) => {
  const location = {
    cacheName: CACHE,
    playlistKey: 'a/live.m3u8' as ItemKey,
    keyForm: 'path' as const,
    ownHosts: ['origin.test:8080'],
  }
  const cases: [string, string][] = [
    ['seg.ts', 'seg.ts'],
    ['../b/seg.ts', '../b/seg.ts'],
    ['/cache/live/seg.ts?token=x', '/rig/s/cache/live/seg.ts?token=x'],
    ['/cache?key=x', '/cache?key=x'],
    ['/other/seg.ts', '/other/seg.ts'],
    ['http://origin.test:8080/cache/live/1.ts', 'http://origin.test:8080/rig/s/cache/live/1.ts'],
    ['//origin.test:8080/cache/live/1.ts', '//origin.test:8080/rig/s/cache/live/1.ts'],
    ['http://cdn.test/cache/live/1.ts', 'http://cdn.test/cache/live/1.ts'],
    ['/rig/s/cache/live/1.ts', '/rig/s/cache/live/1.ts'],
  ]
  for (const [uri, expected] of cases) {
    const rewrite = (text: string) => prefixItemUris(text, '/rig/s', { syntax: 'hls', location })
    t.equal(rewrite(`#EXTM3U\n${uri}\n`), `#EXTM3U\n${expected}\n`)
    t.equal(rewrite(`#EXT-X-MAP:URI="${uri}"`), `#EXT-X-MAP:URI="${expected}"`)
  }
  t.equal(
    prefixItemUris('<BaseURL>/cache/live/v/</BaseURL>', '/rig/s', { syntax: 'dash', location }),
    '<BaseURL>/rig/s/cache/live/v/</BaseURL>',
  )
})
