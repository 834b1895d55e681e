import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { toFinding } from '../../src/hls/validation-rules.ts'
import { FINDINGS_KEPT_MAX } from '../../src/origin/findings.ts'
import { cacheName, itemKey, openTestOrigin } from './support.ts'

const playlist = (first: number, count: number, seconds = 2) =>
  `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n` +
  Array.from({ length: count }, (_, index) => `#EXTINF:${seconds}.0,\ns${first + index}.ts\n`).join(
    '',
  )

async function openChannel(settings: Parameters<typeof openTestOrigin>[0] = {}) {
  const opened = await openTestOrigin(settings)
  const told: string[] = []
  opened.events.on('finding', ({ finding }) => told.push(finding.rule))
  const storeKey = toStoreKey(cacheName('live'), itemKey('live.m3u8'))
  /** As an encoder writes: the segments, then the playlist. */
  const write = async (first: number, count: number, seconds = 2) => {
    for (let index = first; index < first + count; index++) {
      if (opened.read(`s${index}.ts`) === undefined) await opened.put(`s${index}.ts`, 'bytes')
    }
    opened.clock.advance(seconds * 1000)
    return opened.put('live.m3u8', playlist(first, count, seconds))
  }
  return { ...opened, told, storeKey, write }
}

t.test('a sound channel has no findings', async (t) => {
  const { write, told, origin } = await openChannel()
  for (let first = 0; first < 20; first++) t.equal((await write(first, 5)).kind, 'stored')
  t.same(told, [])
  t.equal(origin.findings.countByRule.size, 0)
})

t.test('a fault is told once, counted each time, and kept with its numbers', async (t) => {
  const { write, told, origin, storeKey, clock } = await openChannel()
  await write(0, 5)
  await write(1, 5, 7)
  t.ok(told.includes('target-duration-exceeded'), told.join())
  const kept = origin.findings
    .list(storeKey)
    .find(({ rule }) => rule === 'target-duration-exceeded')
  t.match(kept, { rule: 'target-duration-exceeded', severity: 'error', message: String })
  t.ok(kept?.atMs)
  await write(10, 5, 7)
  const count = origin.findings.countByRule.get('target-duration-exceeded') ?? 0
  t.ok(count >= 2)
  t.equal(told.filter((rule) => rule === 'target-duration-exceeded').length, 1, 'not again at once')
  clock.advance(60_000)
  await write(20, 5, 7)
  t.equal(told.filter((rule) => rule === 'target-duration-exceeded').length, 2)
})

t.test('a listed segment that never came is found', async (t) => {
  const { put, told } = await openChannel()
  await put('s0.ts', 'bytes')
  await put('s2.ts', 'bytes')
  await put('live.m3u8', playlist(0, 3))
  t.ok(told.includes('segment-missing'), told.join())
})

t.test(
  'a strict cache refuses what breaks a rule, with the rule, and keeps what it has',
  async (t) => {
    const { write, text } = await openChannel({ playlistRules: 'strict' })
    await write(0, 5)
    const before = text('live.m3u8')
    const outcome = await write(1, 5, 7)
    t.match(outcome, { kind: 'refused', reason: 'playlist-invalid' })
    t.match(
      outcome.kind === 'refused' ? outcome.detail : '',
      /^target-duration-exceeded \(RFC 8216bis/,
    )
    t.equal(text('live.m3u8'), before)
    t.equal((await write(1, 5)).kind, 'stored')
  },
)

t.test('nothing is judged where it is off', async (t) => {
  const { write, told } = await openChannel({ playlistRules: 'off' })
  await write(0, 5, 7)
  t.same(told, [])
})

t.test('what is kept is bounded', async (t) => {
  const { origin, storeKey, clock } = await openChannel()
  const finding = toFinding('target-duration-exceeded', 'x', {})
  for (let count = 0; count < FINDINGS_KEPT_MAX + 5; count++) {
    origin.findings.report(storeKey, [finding])
    clock.advance(61_000)
  }
  t.equal(origin.findings.list(storeKey).length, FINDINGS_KEPT_MAX)
  for (let count = 0; count < 600; count++) {
    origin.findings.report(toStoreKey(cacheName('live'), itemKey(`p${count}`)), [finding])
  }
  t.same(origin.findings.list(storeKey), [], 'the oldest playlist was forgotten')
})
