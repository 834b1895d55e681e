/** Machines are lost under load: what is gone with them, what readers see, how long it takes. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { http } from '../support/http.ts'
import { NetworkPath } from '../support/network-path.ts'
import { connectTo, startValkeyServer, until } from '../support/valkey-server.ts'
import { FallingBackWriter } from './support/falling-back-writer.ts'
import { mediaPlaylist, msnOf, openValkeyOrigin } from './support/valkey-origin.ts'
import type { ValkeyOrigin } from './support/valkey-origin.ts'
import { startValkeyPair } from './support/valkey-pair.ts'

const WRITER_COUNT = 4
/** The last one is stored in several pieces. */
const SIZES = [20_000, 200_000, 900_000]

/** Longer than it takes to promote a replica. */
const TARGET_SECONDS = 6

/** Bytes that say whose they are, all through. */
function bodyOf(key: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `${key};`)
}

t.test('kill -9 of an origin under load: nothing acknowledged is lost', async (t) => {
  const valkey = await startValkeyServer(t)
  const { a, b } = await startValkeyPair(t, valkey.url)
  const writers = Array.from({ length: WRITER_COUNT }, () => {
    return new FallingBackWriter({ urls: [a.url, b.url], apiKey: a.encoderKey })
  })
  /** Key to size. */
  const acknowledged = new Map<string, number>()
  let isOver = false
  const writing = Promise.all(
    writers.map(async (writer, index) => {
      for (let count = 0; !isOver; count++) {
        const sizeBytes = SIZES[count % SIZES.length] ?? 0
        const key = `${String(index)}-${String(count)}.ts`
        await writer.put(key, bodyOf(key, sizeBytes))
        acknowledged.set(key, sizeBytes)
        await sleep(10)
      }
    }),
  )
  const readB = async (key: string) =>
    http(`${b.url}/cache/live-origin/${key}`, { headers: { authorization: b.playerKey } })
  // A reader at B, of what was acknowledged a moment ago.
  const wrong: string[] = []
  let readCount = 0
  let longestReadGapMs = 0
  const reading = (async () => {
    let lastMs = performance.now()
    while (!isOver) {
      await sleep(10)
      const [key, sizeBytes] = [...acknowledged].at(-1) ?? []
      if (key === undefined || sizeBytes === undefined) continue
      const answer = await readB(key)
      if (answer.status !== 200) wrong.push(`${key}: ${String(answer.status)}`)
      else if (!answer.body.equals(bodyOf(key, sizeBytes))) wrong.push(`${key}: other bytes`)
      longestReadGapMs = Math.max(longestReadGapMs, performance.now() - lastMs)
      lastMs = performance.now()
      readCount++
    }
  })()

  await until(() => acknowledged.size >= 24, 60_000)
  const killedAtMs = performance.now()
  await a.served.end('SIGKILL')
  const countAtDeath = acknowledged.size
  await until(() => acknowledged.size >= countAtDeath + 24, 60_000)
  isOver = true
  await Promise.all([writing, reading])

  const lost: string[] = []
  for (const [key, sizeBytes] of acknowledged) {
    const answer = await readB(key)
    if (answer.status !== 200 || !answer.body.equals(bodyOf(key, sizeBytes))) lost.push(key)
  }
  const movedMs = Math.max(...writers.map(({ movedAtMs = Infinity }) => movedAtMs - killedAtMs))
  t.comment(
    `kill -9 of A: ${String(lost.length)} of ${String(acknowledged.size)} acknowledged objects lost; ` +
      `all ${String(WRITER_COUNT)} writers were at B after ${movedMs.toFixed(0)} ms (longest gap ` +
      `${Math.max(...writers.map(({ longestGapMs }) => longestGapMs)).toFixed(0)} ms); reader of B: ` +
      `${String(readCount)} reads, ${String(wrong.length)} wrong, longest gap ${longestReadGapMs.toFixed(0)} ms`,
  )
  t.strictSame(lost, [])
  t.strictSame(wrong, [], 'readers of the other origin notice nothing')
  t.ok(readCount > 10)
})

/** Statuses and numbers of a playlist, as a reader who asks again and again sees them. */
function watchPlaylist(origin: ValkeyOrigin, key: string) {
  const seen: { readonly status: number; readonly msn: number; readonly atMs: number }[] = []
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      const answer = await origin.get(key)
      seen.push({ status: answer.status, msn: msnOf(answer), atMs: performance.now() })
      await sleep(10)
    }
  })()
  return {
    seen,
    stop: async () => {
      isOver = true
      await done
    },
  }
}

/** A primary and its replica, with an address that leads to whichever is in charge. */
async function startReplicated(t: Test) {
  const primary = await startValkeyServer(t)
  const replication = await NetworkPath.open(t, primary.port)
  const replica = await startValkeyServer(t, {
    args: ['--replicaof', '127.0.0.1', String(replication.port), '--repl-diskless-sync-delay', '0'],
  })
  const ofReplica = connectTo(t, replica)
  await until(async () => (await ofReplica.info('replication')).includes('master_link_status:up'))
  const address = await NetworkPath.open(t, primary.port)
  const promote = async () => {
    await ofReplica.call('REPLICAOF', 'NO', 'ONE')
    address.lead(replica.port)
  }
  return { primary, replication, address, promote, direct: connectTo(t, primary) }
}

t.test('a primary is lost: only what was not replicated is gone, and it is a 404', async (t) => {
  const { primary, replication, address, promote, direct } = await startReplicated(t)
  const a = await openValkeyOrigin(t, address.url, 1000)
  const b = await openValkeyOrigin(t, address.url, 1000)
  const replicated = new Map([2, 3, 4].map((n) => [`${String(n)}.ts`, SIZES[n % 3] ?? 0]))
  const newest = new Map([5, 6, 7].map((n) => [`${String(n)}.ts`, SIZES[n % 3] ?? 0]))
  const putAll = async (objects: ReadonlyMap<string, number>) => {
    for (const [key, sizeBytes] of objects) {
      t.equal((await a.put(key, bodyOf(key, sizeBytes))).status, 204)
    }
  }
  await putAll(replicated)
  await a.put('again.ts', 'old')
  await a.put('p.m3u8', mediaPlaylist(2, TARGET_SECONDS))
  t.ok(Number(await direct.wait(1, 10_000)) >= 1, 'the replica has it')
  // What comes now never gets there.
  replication.fallSilent()
  await putAll(newest)
  await a.put('again.ts', 'new')
  await a.put('p.m3u8', mediaPlaylist(5, TARGET_SECONDS))
  await until(async () => msnOf(await b.get('p.m3u8')) === 5)
  for (const key of newest.keys()) t.equal((await b.get(key)).status, 200)
  const readers = [a, b].map((origin) => watchPlaylist(origin, 'p.m3u8'))

  const killedAtMs = performance.now()
  await primary.kill()
  await until(async () => (await a.put('8.ts', 'x')).status === 503)
  await promote()
  const readyMs = await until(async () => (await a.isReady()) && (await b.isReady()), 20_000)
  let lostCount = 0
  for (const origin of [a, b]) {
    for (const [key, sizeBytes] of replicated) {
      const answer = await origin.get(key)
      t.equal(answer.status, 200, `${key} was replicated`)
      t.ok(answer.body.equals(bodyOf(key, sizeBytes)), 'whole')
    }
    for (const key of newest.keys()) {
      const { status } = await origin.get(key)
      if (origin === a && status === 404) lostCount++
      t.equal(status, 404, `${key} was not`)
    }
    t.equal((await origin.get('again.ts')).text, 'old', 'the version before')
  }
  // The encoder goes on where it was.
  const key = '8.ts'
  await until(async () => (await a.put(key, bodyOf(key, 20_000))).status === 204)
  await until(async () => (await a.put('p.m3u8', mediaPlaylist(6, TARGET_SECONDS))).status === 204)
  const recoveredMs = performance.now() - killedAtMs
  for (const origin of [a, b]) {
    await until(async () => msnOf(await origin.get('p.m3u8')) === 6)
    t.equal((await origin.get(key)).status, 200)
  }
  await Promise.all(readers.map(({ stop }) => stop()))
  const statuses = new Set(readers.flatMap(({ seen }) => seen.map(({ status }) => status)))
  const shown = readers.map(({ seen }) => seen.map(({ msn }) => msn).filter((msn) => msn >= 0))
  const steps = shown.map((msns) => msns.filter((msn, index) => msn < (msns[index - 1] ?? 0)))
  t.comment(
    `primary lost: ${String(lostCount)} of ${String(newest.size)} objects that were not replicated, 0 of ` +
      `${String(replicated.size)} that were; ready ${readyMs.toFixed(0)} ms after the promotion; ` +
      `the next write ${recoveredMs.toFixed(0)} ms after the loss; ` +
      `steps back of the playlist: ${steps.map(({ length }) => String(length)).join(' and ')}; ` +
      `statuses of it: ${[...statuses].join(', ')}`,
  )
  t.strictSame(steps, [[], []], 'the playlist never goes back')
  t.strictSame([...statuses], [200], 'and is never missing')
})
