/** A scenario under the same seed does the same to the same requests: over and over, on any origin. */

import { createHash } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../../src/app.ts'
import type { Fault } from '../../../src/rig/fault-schema.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

const faultsOf = (seed: number): readonly Fault[] => [
  {
    id: 'gone',
    action: 'status',
    statusCode: 404,
    seed,
    match: { kind: 'segment', probability: 0.2 },
  },
  { id: 'wrong', action: 'corrupt', everyBytes: 100, seed, match: { probability: 0.3, skip: 4 } },
  { id: 'back', action: 'backwards-sequence', seed, match: { probability: 0.5 } },
  { id: 'typed', action: 'wrong-type', seed, match: { key: '*.ts', probability: 0.4, count: 9 } },
  {
    id: 'third',
    action: 'headers',
    set: { 'X-Third': 'yes' },
    match: { sequenceFrom: 12, sequenceTo: 13 },
  },
]
const SEGMENTS = Array.from({ length: 12 }, (_, index) => 10 + index)

async function openChannel(t: Test, seed: number): Promise<Headwater> {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const put = (key: string, body: string | Uint8Array) =>
    http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, {
      method: 'PUT',
      body,
      headers: { authorization: origin.keys.encoder },
    })
  for (const number of SEGMENTS) await put(`${number}.ts`, Buffer.alloc(1000, number))
  await put(
    'live.m3u8',
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:10\n${SEGMENTS.map(
      (number) => `#EXTINF:2,\n${number}.ts\n`,
    ).join('')}`,
  )
  origin.faults?.define({ name: 'mixed', description: '', faults: [...faultsOf(seed)] })
  return origin
}

/** What a reader gets that asks for the playlist before each segment, and for some segments twice. */
async function readAll(origin: Headwater, run: string): Promise<readonly string[]> {
  const seen: string[] = []
  const get = async (key: string) => {
    const answer = await http(`${origin.dataPlaneUrl}/rig/mixed~${run}/cache/live-origin/${key}`, {
      headers: { authorization: origin.keys.player },
    })
    const fault = answer.headers['x-headwater-fault'] ?? '-'
    const hash = createHash('sha256').update(answer.body).digest('hex').slice(0, 8)
    seen.push([key, answer.status, answer.headers['content-type'], String(fault), hash].join(' '))
  }
  for (const number of SEGMENTS) {
    await get('live.m3u8')
    await get(`${number}.ts`)
    if (number % 3 === 0) await get(`${number}.ts`)
  }
  return seen
}

interface Logged {
  readonly scenario: string
  readonly faultId: string
  readonly action: string
  readonly operation: string
  readonly cache: string
  readonly key: string
}

/** As the admin API tells it: all but the number and the time. */
async function logOf(origin: Headwater, run: string): Promise<readonly string[]> {
  const answer = await http(`${origin.adminUrl}/api/faults/events`, {
    headers: { authorization: origin.keys.superUser },
  })
  const { events } = JSON.parse(answer.text) as { readonly events: readonly Logged[] } // Its contract.
  return events
    .filter(({ scenario }) => scenario === `mixed~${run}`)
    .map(({ faultId, action, operation, cache, key }) =>
      [faultId, action, operation, cache, key].join(' '),
    )
}

t.test('ten readers under one seed get the same and leave the same log', async (t) => {
  const origins = [await openChannel(t, 7), await openChannel(t, 7)] as const
  const first = await readAll(origins[0], '0')
  const log = await logOf(origins[0], '0')
  const ids = new Set(log.map((line) => line.split(' ')[0]))
  t.same([...ids].sort(), ['back', 'gone', 'third', 'typed', 'wrong'], 'all of it was done')
  t.ok(
    first.some((line) => line.includes(' - ')),
    'and not everywhere',
  )
  // Side by side: what is done to one changes nothing for the others.
  const runs = Array.from(
    { length: 10 },
    (_, index) => [origins[index % 2 === 0 ? 0 : 1], `${index + 1}`] as const,
  )
  const seen = await Promise.all(runs.map(([origin, run]) => readAll(origin, run)))
  for (const [index, [origin, run]] of runs.entries()) {
    t.strictSame(seen[index], first, `run ${run}: answers`)
    t.strictSame(await logOf(origin, run), log, `run ${run}: log`)
  }
})

t.test('another seed, another log', async (t) => {
  const logs = []
  for (const seed of [7, 8]) {
    const origin = await openChannel(t, seed)
    await readAll(origin, 'a')
    logs.push(await logOf(origin, 'a'))
  }
  t.notSame(logs[0], logs[1])
})
