import t from 'tap'
import type { Test } from 'tap'
import { ManualClock } from '../../support/manual-clock.ts'
import { openBrokenCdn } from './broken-cdn.ts'
import type { Faults } from './broken-cdn.ts'
import { runDoctor, runDoctorJson } from './doctor-run.ts'
import { LiveChannel } from './live-channel.ts'

const KEY = 'an-opaque-player-key'

async function examineFaults(t: Test, faults: Faults, argv: readonly string[] = []) {
  const clock = new ManualClock()
  const channel = new LiveChannel()
  const cdn = await openBrokenCdn(t, { channel, clock, faults })
  const run = await runDoctorJson([cdn.url, ...argv], { clock, onWait: () => void channel.goOn() })
  const problems = run.report.findings
    .filter(({ verdict }) => verdict === 'warning' || verdict === 'breaks-playback')
    .map(({ id, verdict }) => `${verdict === 'warning' ? 'warning' : 'breaks'} ${id}`)
  return { ...run, problems, cdn }
}

const CASES: readonly {
  readonly faults: Faults
  readonly problems: readonly string[]
  readonly exitCode: number
  /** Of the first problem's advice. */
  readonly change?: RegExp
}[] = [
  { faults: {}, problems: [], exitCode: 0 },
  {
    faults: { missingKeptSeconds: 10 },
    problems: ['breaks caching.missing'],
    exitCode: 1,
    change: /beresp\.ttl to 1 s for status 404/,
  },
  {
    faults: { missingKeptSeconds: 10, headers: { 'x-amz-cf-id': 'abc' } },
    problems: ['breaks caching.missing'],
    exitCode: 1,
    change: /error caching minimum TTL/,
  },
  { faults: { missingStatus: 200 }, problems: ['breaks caching.missing'], exitCode: 1 },
  { faults: { missingStatus: 403 }, problems: ['warning caching.missing'], exitCode: 0 },
  {
    faults: { withoutCors: true },
    problems: [
      'breaks cors.playlist',
      'breaks cors.segment',
      'warning cors.missing',
      'warning cors.exposed',
    ],
    exitCode: 1,
  },
  {
    faults: { playlistCacheControl: 'no-store', segmentCacheControl: 'no-cache' },
    problems: ['warning caching.multivariant', 'warning caching.media', 'warning caching.segment'],
    exitCode: 0,
    change: /wait for one another/,
  },
  {
    faults: { playlistCacheControl: 'public, max-age=60' },
    problems: ['breaks caching.multivariant', 'breaks caching.media'],
    exitCode: 1,
  },
  {
    faults: { playlistKeptSeconds: 60 },
    problems: ['breaks caching.moves', 'breaks caching.stale', 'breaks clock.last-modified'],
    exitCode: 1,
    change: /Let|encoder has stopped/,
  },
  { faults: { types: 'text/plain' }, problems: ['warning playlist.types'], exitCode: 0 },
  { faults: { skewSeconds: -120 }, problems: ['warning clock.date'], exitCode: 0 },
  { faults: { withoutRanges: true }, problems: ['warning range.segment'], exitCode: 0 },
  { faults: { closes: true }, problems: ['warning reach.keep-alive'], exitCode: 0 },
  {
    faults: { gzipAlways: true },
    problems: ['breaks gzip.vary', 'breaks range.playlist'],
    exitCode: 1,
  },
  {
    faults: { withoutValidators: true },
    problems: ['warning range.validators', 'warning clock.last-modified'],
    exitCode: 0,
  },
  {
    faults: { newestMissing: true },
    problems: ['breaks playlist.segments'],
    exitCode: 1,
  },
]

t.test('each fault of a CDN is found, and nothing else', async (t) => {
  for (const { faults, problems, exitCode, change } of CASES) {
    await t.test(JSON.stringify(faults), async (t) => {
      const run = await examineFaults(t, faults)
      t.strictSame(run.problems, problems)
      t.equal(run.exitCode, exitCode)
      const first = run.report.findings.find(({ change: text }) => text !== undefined)
      if (change !== undefined) t.match(first?.change, change)
    })
  }
})

t.test('the key of a multivariant playlist is not inherited by its variants', async (t) => {
  const { problems, cdn } = await examineFaults(t, { variantsNeedKey: true })
  t.strictSame(problems, ['breaks playlist.variants'])
  t.notOk(cdn.requests.some((request) => request.includes('with key')))
})

t.test('the playlist of one reader is not for the next', async (t) => {
  const faults = { readersTokens: true, playlistKeptSeconds: 1 }
  const alone = await examineFaults(t, faults, ['--key', KEY])
  t.strictSame(alone.problems, ['breaks keys.shared'])
  t.notMatch(alone.stdout, KEY)
  const two = await examineFaults(t, faults, ['--key', KEY, '--second-key', 'another-readers-key'])
  t.strictSame(two.problems, ['breaks keys.shared'])
  t.match(two.stdout, 'with another key')
  t.notMatch(two.stdout, 'another-readers-key')
  const right = await examineFaults(t, { readersTokens: true }, ['--key', KEY])
  t.strictSame(right.problems, [])
})

t.test('what a server writes cannot rewrite the terminal', async (t) => {
  const clock = new ManualClock()
  const channel = new LiveChannel()
  const faults = { types: 'text/\u009b2Jevil', playlistCacheControl: `max-age=99, x="${KEY}"` }
  const cdn = await openBrokenCdn(t, { channel, clock, faults })
  const { stdout } = await runDoctor([cdn.url, '--key', KEY], {
    clock,
    onWait: () => void channel.goOn(),
  })
  t.match(stdout, 'evil')
  t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  t.notMatch(stdout, KEY)
})
