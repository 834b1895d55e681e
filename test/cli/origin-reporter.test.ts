import t from 'tap'
import type { Test } from 'tap'
import { OriginEvents } from '../../src/origin/events.ts'
import type { WriteRefusal } from '../../src/origin/events.ts'
import { OriginReporter } from '../../src/cli/origin-reporter.ts'
import type { OriginNotice } from '../../src/cli/origin-reporter.ts'
import { parseCacheName, splitStoreKey } from '../../src/base/names.ts'
import type { StoreKey } from '../../src/base/names.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'

const REFUSAL: WriteRefusal = {
  cacheName: 'live-origin',
  key: 'playlist_00001.ts',
  reason: 'credential-unknown',
  statusCode: 401,
  clientAddress: '10.0.0.1',
  userAgent: 'Lavf/59.27.100',
  hadQueryToken: false,
  hadHeaderCredential: false,
  expectsContinue: false,
}

function open(t: Test) {
  const events = new OriginEvents()
  const clock = new ManualClock()
  const notices: OriginNotice[] = []
  const reporter = new OriginReporter({ events, clock, report: (notice) => notices.push(notice) })
  t.teardown(() => reporter.close())
  const refuse = (change: Partial<WriteRefusal> = {}) =>
    events.emit('write-refused', { ...REFUSAL, ...change })
  /** Second by second: timers are set again by timers. */
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) clock.advance(1000)
  }
  const counts = () =>
    notices.map((notice) =>
      notice.kind === 'refused'
        ? notice.summary.count
        : notice.kind === 'refused-more'
          ? -notice.count
          : notice.kind,
    )
  return { events, clock, notices, reporter, refuse, pass, counts }
}

/** In the cache `live-origin`. */
function toStoreKey(key: string): StoreKey {
  return `live-origin/${key}` as StoreKey // What the brand says is checked by eye.
}

function stored(storeKey: string): StoredItem {
  // The reporter looks at the key alone.
  return { storeKey } as StoredItem
}

t.test('refusals of one cause and client are summed up before they are told', async (t) => {
  const { refuse, pass, notices } = open(t)
  for (let index = 0; index < 12; index++) refuse()
  refuse({ key: 'playlist.m3u8' })
  t.equal(notices.length, 0)
  pass(2)
  t.match(notices, [
    {
      kind: 'refused',
      summary: { count: 13, segmentCount: 12, playlistCount: 1, sampleKey: 'playlist_00001.ts' },
    },
  ])
})

t.test('what goes on is told less and less often: 2 s, 10 s, then every 60 s', async (t) => {
  const { refuse, pass, counts } = open(t)
  for (let second = 0; second < 140; second++) {
    refuse()
    pass(1)
  }
  t.strictSame(counts(), [2, 10, 60, 60])
})

t.test('a cause that rested for two minutes is new again', async (t) => {
  const { refuse, pass, counts } = open(t)
  refuse()
  pass(130)
  refuse()
  pass(2)
  t.strictSame(counts(), [1, 1])
})

t.test('other causes, clients, caches and encoders are told apart', async (t) => {
  const { refuse, pass, counts } = open(t)
  refuse()
  refuse({ reason: 'permission-denied', statusCode: 403 })
  refuse({ clientAddress: '10.0.0.2' })
  refuse({ cacheName: 'other' })
  refuse({ userAgent: 'curl/8' })
  pass(2)
  t.strictSame(counts(), [1, 1, 1, 1, 1])
})

t.test('a 401 that is answered with the key is half of a login, and not told', async (t) => {
  const { refuse, pass, counts, events } = open(t)
  refuse({ reason: 'credential-missing' })
  events.emit('item-stored', stored('live-origin/playlist_00001.ts'))
  refuse({ reason: 'credential-missing', key: 'later.ts', expectsContinue: true })
  pass(29)
  events.emit('item-stored', stored('live-origin/later.ts'))
  pass(60)
  t.strictSame(counts(), [])
})

t.test(
  'a 401 that nobody answers is told: soon, or after 30 s when 100 was waited for',
  async (t) => {
    const { refuse, pass, counts } = open(t)
    refuse({ reason: 'credential-missing' })
    pass(4)
    t.strictSame(counts(), [1])
    const expecting = open(t)
    expecting.refuse({ reason: 'credential-missing', expectsContinue: true })
    expecting.pass(29)
    t.strictSame(expecting.counts(), [])
    expecting.pass(5)
    t.strictSame(expecting.counts(), [1])
  },
)

t.test('the same item twice without a key is no login', async (t) => {
  const { refuse, pass, counts } = open(t)
  refuse({ reason: 'credential-missing', expectsContinue: true })
  refuse({ reason: 'credential-missing', expectsContinue: true })
  pass(2)
  t.strictSame(counts(), [1])
})

t.test('a flood from everywhere: five lines at a time and a sum, bounded memory', async (t) => {
  const { refuse, pass, counts } = open(t)
  for (let client = 0; client < 5000; client++) refuse({ clientAddress: `10.1.${client}` })
  pass(1)
  t.strictSame(counts(), [-4900])
  pass(1)
  t.strictSame(counts().slice(1), [1, 1, 1, 1, 1])
  pass(9)
  t.strictSame(counts().slice(6), [-95])
})

t.test('a flood of 401s without keys is bounded as well', async (t) => {
  const { refuse, pass, counts } = open(t)
  for (let index = 0; index < 1500; index++) {
    refuse({ reason: 'credential-missing', key: `${index}.ts` })
  }
  pass(5)
  t.strictSame(counts(), [1500], 'what there is no room to wait for counts at once')
})

t.test('channels and new caches are passed on at once', async (t) => {
  const { events, counts, notices } = open(t)
  const cacheName = parseCacheName('news')
  if (cacheName === undefined) throw new Error('a name')
  events.emit('cache-created', cacheName)
  events.emit('channel-changed', {
    cacheName,
    key: 'playlist.m3u8',
    state: 'live',
    detail: '',
    renditionCount: 3,
    targetDurationSeconds: 2,
    lastWriteAgeSeconds: 0,
  })
  t.strictSame(counts(), ['cache-created', 'channel'])
  t.match(notices[0], { cacheName: 'news' })
})

t.test('keys that were taken out of a playlist are told once for each', async (t) => {
  const { events, notices, reporter } = open(t)
  const removal = { ...splitStoreKey(toStoreKey('a.m3u8')), tokenCount: 3 }
  events.emit('tokens-removed', removal)
  events.emit('tokens-removed', { ...removal, tokenCount: 4 })
  t.strictSame(notices, [{ kind: 'tokens-removed', removal }])
  reporter.close()
  events.emit('tokens-removed', { ...splitStoreKey(toStoreKey('b.m3u8')), tokenCount: 1 })
  t.equal(notices.length, 1)
})

t.test('closing tells the rest, then nothing more', async (t) => {
  const { refuse, reporter, counts, pass } = open(t)
  refuse()
  reporter.close()
  reporter.close()
  t.strictSame(counts(), [1])
  refuse()
  pass(5)
  t.strictSame(counts(), [1])
})
