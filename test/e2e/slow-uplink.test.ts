/**
 * ffmpeg as it is without options sends a playlist on a connection of its own, while the segment that
 * it names is still on its way: seconds before, on a slow uplink. Readers must not notice.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { formatItemKey, splitStoreKey } from '../../src/base/names.ts'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { hlsErrors, openHlsJsPage } from '../support/hls-page.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { openRecordingProxy } from '../support/recording-proxy.ts'
import { openSlowUplink } from '../support/slow-uplink.ts'

/** A segment of 1 s is 60 to 70 kB: on its way for most of the next one's time; the fourth for 5 s. */
const BYTES_PER_SECOND = 80_000
const SLOWEST_BYTES_PER_SECOND = 13_000
const SLOWEST = 'playlist3.ts'

const browser = await launchBrowser(t)
t.jobs = 2

for (const readInProgress of [true, false]) {
  const how = readInProgress ? 'are sent as they arrive' : 'are waited for'
  t.test(`playlists come seconds before their segments, which ${how}`, async (t) => {
    const origin = await openOrigin(t, { delivery: { readInProgress } })
    const { encoder: encoderKey, player } = origin.keys
    const storedAtMs = new Map<string, number>()
    const namedAtMs = new Map<string, number>()
    origin.events.on('item-stored', ({ storeKey, chunks }) => {
      const key = formatItemKey(splitStoreKey(storeKey).key)
      storedAtMs.set(key, performance.now())
      if (key !== 'playlist.m3u8') return
      for (const name of namesOf(Buffer.concat(chunks).toString())) {
        if (!namedAtMs.has(name)) namedAtMs.set(name, performance.now())
      }
    })
    const uplink = await openSlowUplink(t, {
      originUrl: origin.dataPlaneUrl,
      bytesPerSecond: (line) =>
        line.includes(SLOWEST)
          ? SLOWEST_BYTES_PER_SECOND
          : line.includes('.ts')
            ? BYTES_PER_SECOND
            : Infinity,
    })
    const encoder = startFfmpeg([
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
      ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '400k'],
      ...['-minrate', '400k', '-maxrate', '400k', '-bufsize', '400k', '-c:a', 'aac'],
      ...['-b:a', '64k', '-t', '14', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '8'],
      ...['-method', 'PUT', '-headers', `Authorization: ${encoderKey}\r\n`],
      `${uplink}/cache/live-origin/playlist.m3u8`,
    ])
    t.teardown(() => encoder.process.kill('SIGKILL'))

    const readers = await openRecordingProxy(t, origin.dataPlaneUrl)
    const address = `${readers.url}/cache/live-origin/playlist.m3u8?token=${player}`
    while (
      (await http(`${origin.dataPlaneUrl}${new URL(address).pathname}?token=${player}`)).status !==
      200
    )
      await sleep(20)
    // Asks for each segment the moment it is named, which no player is quick enough to do.
    const impatient = readEach(address, () => encoder.process.exitCode !== null)
    const page = await openHlsJsPage(browser, address)
    t.teardown(() => page.close())
    await untilPlayed(page, 6)
    const errors = await hlsErrors(page)
    t.notOk(
      errors.some((error) => /fatal|LoadError|TimeOut/i.test(error)),
      errors.join(),
    )
    const { exitCode, stderr } = await encoder.finished
    t.equal(exitCode, 0, stderr.slice(-500))

    const segments = await impatient
    t.ok(segments.length >= 12, `${String(segments.length)} segments`)
    for (const { status, body, name } of segments) {
      t.ok(status === 200 && body.length > 10_000 && body.length % 188 === 0, name)
    }
    const refused = readers.exchanges.filter(({ status }) => status >= 400)
    t.same(refused, [], 'not one 404')
    const leadMs = (name: string) => (storedAtMs.get(name) ?? 0) - (namedAtMs.get(name) ?? 0)
    t.ok(leadMs(SLOWEST) > 3500, `${SLOWEST} came ${leadMs(SLOWEST).toFixed(0)} ms late`)
    const lateCount = segments.filter(({ name }) => leadMs(name) > 300).length
    t.ok(lateCount >= segments.length / 2, `${String(lateCount)} came late`)
  })
}

interface ReadSegment {
  readonly name: string
  readonly status: number
  readonly body: Buffer
}

/** Reads every segment once, each at the moment when the playlist first names it. */
async function readEach(address: string, isOver: () => boolean): Promise<readonly ReadSegment[]> {
  const reads = new Map<string, Promise<ReadSegment>>()
  while (!isOver()) {
    const playlist = await http(address)
    for (const uri of playlist.text.split('\n').filter((line) => /^[^#]/.test(line))) {
      const url = new URL(uri, address)
      const name = url.pathname.split('/').at(-1) ?? ''
      if (reads.has(name)) continue
      reads.set(
        name,
        http(url.href).then(({ status, body }) => ({ name, status, body })),
      )
    }
    await sleep(20)
  }
  return Promise.all(reads.values())
}

function namesOf(playlist: string): readonly string[] {
  return playlist.split('\n').filter((line) => /^[^#]/.test(line))
}
