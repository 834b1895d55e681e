/** Valkey is gone, frozen or full: what readers and writers of a live channel get meanwhile, and after. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startValkeyServer, until } from '../support/valkey-server.ts'
import { mediaPlaylist, msnOf, openValkeyOrigin } from './support/valkey-origin.ts'

const TIMEOUT_MS = 600
const HEARTBEAT_MS = 500
/** How long what fills it lives, and how long it is kept full: less than that. */
const FILLER_SECONDS = 6
const FULL_MS = 1000
/** For what a busy machine adds. */
const PATIENCE_MS = 2500
const TARGET_SECONDS = 1
const WITHHELD_AFTER_MS = 3 * TARGET_SECONDS * 1000

for (const how of ['killed', 'frozen'] as const) {
  t.test(
    `${how}: memory serves on as promised, writes are refused in time, all returns`,
    async (t) => {
      const server = await startValkeyServer(t)
      const origin = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
      await origin.put('0.ts', 'segment')
      await origin.put('p.m3u8', mediaPlaylist(0, TARGET_SECONDS))

      const lostAtMs = performance.now()
      const sinceMs = () => performance.now() - lostAtMs
      if (how === 'killed') await server.kill()
      else server.pause()
      t.teardown(() => server.resume())
      const refusing = origin.put('1.ts', 'segment').then((answer) => {
        t.equal(answer.status, 503)
        t.equal(answer.headers['x-headwater-reason'], 'store-unavailable')
        t.ok(Number(answer.headers['retry-after']) >= 1)
        return sinceMs()
      })
      let withheldMs = 0
      let readCount = 0
      while (withheldMs === 0) {
        const playlist = await origin.get('p.m3u8')
        if (playlist.status !== 200) {
          t.equal(playlist.status, 503, 'no 404, which would end a player')
          withheldMs = sinceMs()
        }
        if ((await origin.get('0.ts')).status !== 200) t.fail('segments go on')
        readCount += 2
        await sleep(10)
      }
      const refusedMs = await refusing
      t.ok(refusedMs < TIMEOUT_MS + PATIENCE_MS, 'refused in time')
      t.ok(withheldMs >= WITHHELD_AFTER_MS, 'the last playlist helps for three target durations')
      t.ok(withheldMs < WITHHELD_AFTER_MS + TIMEOUT_MS + HEARTBEAT_MS + PATIENCE_MS, 'not for long')
      t.equal(await origin.isReady(), false)
      t.equal((await origin.get('unknown.ts')).status, 503, 'nobody knows that it is not there')

      if (how === 'killed') await server.restart()
      else server.resume()
      const storedMs = await until(async () => (await origin.put('2.ts', 'segment')).status === 204)
      await until(() => origin.isReady())
      await until(async () => (await origin.put('p.m3u8', mediaPlaylist(1))).status === 204)
      t.equal(msnOf(await origin.get('p.m3u8')), 1)
      t.equal((await origin.get('0.ts')).status, how === 'killed' ? 404 : 200)
      t.comment(
        `Valkey ${how}: a write refused after ${refusedMs.toFixed(0)} ms (limit ${String(TIMEOUT_MS)} ms); the ` +
          `playlist served for ${withheldMs.toFixed(0)} ms (target duration ${String(TARGET_SECONDS)} s), segments ` +
          `all along (${String(readCount)} reads); a write stored ${storedMs.toFixed(0)} ms after the return`,
      )
    },
  )
}

t.test(
  'full: a channel is refused with the reason, what it has plays, it goes on by itself',
  async (t) => {
    const args = ['--maxmemory', '12mb', '--maxmemory-policy', 'noeviction']
    const server = await startValkeyServer(t, { args })
    const a = await openValkeyOrigin(t, server.url, 2000)
    const b = await openValkeyOrigin(t, server.url, 2000)
    let isOver = false
    const refusals: string[] = []
    const stored = new Set<number>()
    /** The newest segment that was taken. */
    let edge = -1
    let edgeAtMs = 0
    let longestGapMs = 0
    const encoding = (async () => {
      for (let number = 0; !isOver; number++) {
        const segment = await a.put(`${String(number)}.ts`, new Uint8Array(20_000))
        if (segment.status === 204) stored.add(number)
        // An encoder that lost one goes on with the next.
        if (segment.status === 204 && number >= 2) {
          const names = [number - 2, number - 1, number]
          const playlist = mediaPlaylist(names[0] ?? 0)
          const answer = await a.put('live.m3u8', playlist)
          if (answer.status === 204) {
            if (edge >= 0) longestGapMs = Math.max(longestGapMs, performance.now() - edgeAtMs)
            edge = number
            edgeAtMs = performance.now()
          } else
            refusals.push(
              `${String(answer.status)} ${String(answer.headers['x-headwater-reason'])}`,
            )
        } else if (segment.status !== 204) {
          refusals.push(
            `${String(segment.status)} ${String(segment.headers['x-headwater-reason'])}`,
          )
        }
        await sleep(50)
      }
    })()
    await until(() => edge >= 5)
    const failures: string[] = []
    const watching = (async () => {
      while (!isOver) {
        const playlist = await b.get('live.m3u8')
        if (playlist.status !== 200) failures.push(`playlist: ${String(playlist.status)}`)
        await sleep(20)
      }
    })()

    // Somebody else fills it, down to where not even a small object fits.
    const reasons = new Set<string>()
    await Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        let sizeBytes = 400_000
        let fullAtMs = Infinity
        for (let index = 0; performance.now() < fullAtMs + FULL_MS; index++) {
          const key = `fill-${String(worker)}-${String(index)}.ts`
          const filler = await b.put(key, new Uint8Array(sizeBytes), FILLER_SECONDS)
          if (filler.status === 204) continue
          reasons.add(`${String(filler.status)} ${String(filler.headers['x-headwater-reason'])}`)
          sizeBytes = Math.max(2000, Math.floor(sizeBytes / 2))
          if (refusals.length > 0) fullAtMs = Math.min(fullAtMs, performance.now())
        }
      }),
    )
    t.strictSame([...reasons], ['507 store-full'])
    const edgeWhenFull = edge
    const named = [edgeWhenFull - 2, edgeWhenFull - 1, edgeWhenFull].filter((n) => stored.has(n))
    for (const origin of [a, b]) {
      for (const name of named) t.equal((await origin.get(`${String(name)}.ts`)).status, 200)
      t.equal(await origin.isReady(), true, 'a balancer leaves the readers here')
    }
    const recoveredMs = await until(() => edge >= edgeWhenFull + 5, 30_000)
    isOver = true
    await Promise.all([encoding, watching])
    t.strictSame([...new Set(refusals)], ['507 store-full'], 'refused with the reason')
    t.strictSame(failures, [], 'a reader finds the playlist all along')
    t.comment(
      `full: ${String(refusals.length)} writes of the channel refused, ${String(failures.length)} failed reads; longest ` +
        `time without a new segment ${longestGapMs.toFixed(0)} ms (what filled it lived ${String(FILLER_SECONDS)} s); five new ones ` +
        `${recoveredMs.toFixed(0)} ms after it was full`,
    )
  },
)
