/** Two origins whose clocks differ by ten minutes share a Valkey: its clock decides what is over. */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { http } from '../support/http.ts'
import { shiftedClock } from '../support/shifted-clock.ts'
import { startValkeyServer, until } from '../support/valkey-server.ts'
import { mediaPlaylist, msnOf } from './support/valkey-origin.ts'
import { startValkeyPair } from './support/valkey-pair.ts'
import type { PairedOrigin } from './support/valkey-pair.ts'

const SHIFT_MS = 300_000
const TTL_SECONDS = 4
/** After so long without a write anything is taken from an encoder. */
const STALE_MS = 6000
/** For what a busy machine adds. */
const PATIENCE_MS = 2500

function get({ url, playerKey }: PairedOrigin, key: string, apiKey = playerKey) {
  return http(`${url}/cache/live-origin/${key}`, { headers: { authorization: apiKey } })
}

function put({ url, encoderKey }: PairedOrigin, key: string, body: string, ttlSeconds = 60) {
  return http(`${url}/cache/live-origin/${key}?ttl_seconds=${String(ttlSeconds)}`, {
    ...{ method: 'PUT', body, headers: { authorization: encoderKey } },
  })
}

const valkey = await startValkeyServer(t)
const { a: fast, b: slow } = await startValkeyPair(t, valkey.url, {
  a: shiftedClock(SHIFT_MS),
  b: shiftedClock(-SHIFT_MS),
})
const ORDERS = [
  { name: 'five minutes fast', writer: fast, readers: [fast, slow] },
  { name: 'five minutes slow', writer: slow, readers: [slow, fast] },
] as const

/** How wrong an origin's clock is, by its own `Date`. */
async function skewMs(origin: PairedOrigin): Promise<number> {
  const { headers } = await get(origin, 'none.ts')
  return Date.parse(headers.date ?? '') - Date.now()
}

t.test('the clocks are wrong', async (t) => {
  t.ok(Math.abs((await skewMs(fast)) - SHIFT_MS) < 60_000)
  t.ok(Math.abs((await skewMs(slow)) + SHIFT_MS) < 60_000)
})

for (const { name, writer, readers } of ORDERS) {
  t.test(`what an origin wrote that is ${name} expires in time on both`, async (t) => {
    const key = `ttl-${name.replaceAll(' ', '-')}.ts`
    const sentMs = performance.now()
    t.equal((await put(writer, key, 'segment', TTL_SECONDS)).status, 204)
    const storedMs = performance.now()
    const livedMs = await Promise.all(
      readers.map(async (reader) => {
        for (;;) {
          const askedMs = performance.now()
          const answer = await get(reader, key)
          if (answer.status !== 200) {
            t.equal(answer.status, 404)
            t.ok(performance.now() - sentMs >= TTL_SECONDS * 1000, 'not before its time')
            return performance.now() - storedMs
          }
          t.ok(askedMs - storedMs < TTL_SECONDS * 1000 + PATIENCE_MS, 'not for long after it')
          const maxAge = Number(/max-age=(\d+)/.exec(answer.headers['cache-control'] ?? '')?.[1])
          t.ok(maxAge <= TTL_SECONDS, 'nor in a CDN')
          await sleep(20)
        }
      }),
    )
    const [own = 0, other = 0] = livedMs
    t.comment(
      `written by the origin that is ${name}, for ${String(TTL_SECONDS)} s: gone after ` +
        `${own.toFixed(0)} ms there, ${other.toFixed(0)} ms at the other`,
    )
  })
}

t.test('an encoder goes from one to the other, and no playlist is stale or late', async (t) => {
  for (let msn = 0; msn < 10; msn++) {
    const [writer, reader] = msn % 2 === 0 ? [fast, slow] : [slow, fast]
    t.equal((await put(writer, `${String(msn + 2)}.ts`, 'segment')).status, 204)
    t.equal((await put(writer, 'live.m3u8', mediaPlaylist(msn))).status, 204)
    // The stale guard is on: it goes by what each origin has seen itself.
    for (const origin of [writer, reader]) {
      await until(async () => msnOf(await get(origin, 'live.m3u8')) === msn)
    }
  }
})

t.test('an encoder that begins anew at the slow one is waited for, not kept out', async (t) => {
  t.equal((await put(fast, 'anew.m3u8', mediaPlaylist(100))).status, 204)
  await until(async () => msnOf(await get(slow, 'anew.m3u8')) === 100)
  const startedMs = performance.now()
  // Its segments seem to be ten minutes older than what is stored.
  for (let msn = 0; msnOf(await get(slow, 'anew.m3u8')) >= 100; msn++) {
    for (const name of [msn, msn + 1, msn + 2]) await put(slow, `${String(name)}.ts`, 'anew')
    t.equal((await put(slow, 'anew.m3u8', mediaPlaylist(msn))).status, 204)
    t.ok(performance.now() - startedMs < STALE_MS + 2 * PATIENCE_MS)
    await sleep(200)
  }
  const keptOutMs = performance.now() - startedMs
  await until(async () => msnOf(await get(fast, 'anew.m3u8')) < 100)
  t.comment(`an encoder that began anew was heard after ${keptOutMs.toFixed(0)} ms`)
})

/** Made by an origin, by its clock. */
async function makeKey(origin: PairedOrigin, minutes: number): Promise<string> {
  const file = `${origin.folder}/.headwater/super-user-key.json`
  // A key file of the first start, and what the admin API answers with.
  const { apiKey } = JSON.parse(readFileSync(file, 'utf8')) as { readonly apiKey: string }
  const { status, text } = await http(`${origin.served.ready['adminUrl'] ?? ''}/api/keys`, {
    method: 'POST',
    headers: { authorization: apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ role: 'readonly', caches: ['live-origin'] },
      expiresInSeconds: 60 * minutes,
    }),
  })
  if (status !== 201) throw new Error(text)
  return (JSON.parse(text) as { readonly keyInfo: { readonly apiKey: string } }).keyInfo.apiKey
}

t.test('a key ends by the clock of the origin that is asked, to the second', async (t) => {
  await put(fast, 'key.ts', 'x')
  const statuses = async (apiKey: string) =>
    Promise.all([fast, slow].map(async (origin) => (await get(origin, 'key.ts', apiKey)).status))
  t.strictSame(await statuses(await makeKey(fast, 20)), [200, 200], 'made by the fast one')
  t.strictSame(await statuses(await makeKey(slow, 20)), [200, 200], 'longer than they differ')
  t.strictSame(await statuses(await makeKey(fast, 1)), [200, 200], 'too long at the slow one')
  t.strictSame(await statuses(await makeKey(slow, 9)), [401, 200], 'over at the fast one')
})
