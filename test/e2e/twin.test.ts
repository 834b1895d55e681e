/** Two independent origins behind one CDN, as in docs/high-availability.md: either may die. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { freePort, openCdn } from './support/cdn-process.ts'
import type { CdnProgram } from './support/cdn-process.ts'
import { EdgeWatch } from './support/edge-watch.ts'
import { OriginGate } from './support/origin-gate.ts'
import { pushToBoth, startTwin } from './support/twin-rig.ts'
import type { TwinOrigin } from './support/twin-rig.ts'

async function openTwins(t: Test, programs: readonly CdnProgram[]) {
  const dir = t.testdir({ a: {}, b: {} })
  const ports = [await freePort(), await freePort()]
  const start = (index: number) => startTwin(t, `${dir}/${'ab'[index]}`, ports[index] ?? 0)
  const [a, b] = [await start(0), await start(1)]
  const legB = await OriginGate.open(t, b.url)
  const encoder = startFfmpeg(pushToBoth([a.url, legB.url], a.encoderKey))
  t.teardown(() => encoder.process.kill('SIGKILL'))
  const cdns: Partial<Record<CdnProgram, string>> = {}
  for (const program of programs) {
    const playerKey = b.playerKey
    cdns[program] = await openCdn(t, program, { originUrl: a.url, originBUrl: b.url, playerKey })
  }
  return { a, b, legB, encoder, cdns, restartA: () => start(0) }
}

/** The number of the newest segment that an origin knows itself. */
async function edgeOf({ url, playerKey }: TwinOrigin): Promise<number> {
  const headers = { authorization: playerKey }
  const answer = await http(`${url}/cache/live-origin/live.m3u8`, { headers }).catch(
    () => undefined,
  )
  if (answer?.status !== 200) return -1
  return Number(/_(\d+)\.ts[^_]*$/.exec(answer.text)?.[1] ?? -1)
}

async function until(isDone: () => Promise<boolean> | boolean, timeMs: number, what: string) {
  const endsAtMs = performance.now() + timeMs
  while (!(await isDone())) {
    if (performance.now() > endsAtMs) throw new Error(`${what}: not within ${String(timeMs)} ms`)
    await sleep(20)
  }
}

t.test('an origin is killed, comes back, and then the other one loses its encoder', async (t) => {
  const { a, legB, encoder, cdns, restartA } = await openTwins(t, ['varnish', 'nginx'])
  await until(async () => (await edgeOf(a)) >= 0, 20_000, 'the first segment')
  const varnish = new EdgeWatch(`${cdns.varnish ?? ''}/live.m3u8`)
  const nginx = new EdgeWatch(`${cdns.nginx ?? ''}/live.m3u8`)
  t.teardown(() => Promise.all([varnish.stop(), nginx.stop()]))
  const isWatched = () => varnish.edge >= 0 && nginx.edge >= 0
  await until(isWatched, 10_000, 'a playlist through both CDNs')
  const first = varnish.edge
  await until(() => varnish.edge >= first + 3, 15_000, 'three segments')
  const told = (name: string, gapMsMax: number) => {
    for (const [cdn, watch] of Object.entries({ varnish, nginx })) {
      const report = watch.take()
      t.comment(
        `${name}, ${cdn}: longest gap ${report.longestGapMs} ms, ${report.wrongOrderCount} in wrong order, ` +
          `${report.failures.length} failures, ${report.segmentCount} segments`,
      )
      t.ok(report.longestGapMs < gapMsMax, `${cdn}: a newer segment within ${gapMsMax} ms`)
      t.equal(report.wrongOrderCount, 0, `${cdn}: nothing older after something newer`)
      t.strictSame(report.failures, [], `${cdn}: every answer is 200`)
    }
  }
  told('both alive', 6000)

  await a.served.end('SIGKILL')
  const killedAt = varnish.edge
  await until(() => varnish.edge >= killedAt + 5, 15_000, 'five segments without the first origin')
  t.equal(encoder.process.exitCode, null, 'the encoder pushes on')
  told('kill -9 of the first origin', 6000)

  const back = await restartA()
  await until(async () => (await edgeOf(back)) >= 0, 15_000, 'the leg to the first origin returns')
  const returnedAt = varnish.edge
  await until(() => varnish.edge >= returnedAt + 3, 15_000, 'three segments with both')
  // nginx goes back at once, and finds what came since.
  told('the first origin is back', 6000)

  await legB.down()
  const cutAt = varnish.edge
  await until(() => varnish.edge >= cutAt + 8, 20_000, 'eight segments without the second leg')
  // Until it is stale (three target durations) an old playlist is a good one.
  told('the second origin has lost its encoder', 12_000)
})
