/** The disk store in an origin: restarts, heads of what is not in memory, a full disk, its directory. */

import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { closeIdleConnections, http } from '../support/http.ts'

const MIB = 1024 ** 2

async function start(
  dataDir: string,
  settings: NonNullable<StartOptions['settings']> = {},
): Promise<Headwater> {
  const disk = { sizeBytesMax: 64 * MIB, ...settings.storage?.disk }
  return startHeadwater({
    dataDir,
    settings: { ...settings, storage: { kind: 'disk', ...settings.storage, disk } },
  })
}

async function stop(origin: Headwater): Promise<void> {
  closeIdleConnections()
  await origin.close()
}

function client({ dataPlaneUrl, keys }: Headwater) {
  const base = `${dataPlaneUrl}/cache/live-origin`
  const headers = { authorization: keys.superUser }
  return {
    put: (key: string, body: string | Uint8Array, ttlSeconds = 600) =>
      http(`${base}/${key}?ttl_seconds=${ttlSeconds}`, { method: 'PUT', headers, body }),
    get: (key: string, more: Readonly<Record<string, string>> = {}, method = 'GET') =>
      http(`${base}/${key}`, { method, headers: { ...headers, ...more } }),
    delete: (key: string) => http(`${base}/${key}`, { method: 'DELETE', headers }),
  }
}

function mediaPlaylist(from: number, count: number, end = ''): string {
  const segments = Array.from({ length: count }, (_, index) => `#EXTINF:2,\n${from + index}.ts\n`)
  return `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${from}\n${segments.join('')}${end}`
}

t.test('a restart serves what had not expired, under the same ETags', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir)
  const before = client(first)
  const body = Buffer.alloc(700_000, 'x')
  await before.put('a.ts', body)
  await before.put('deleted.ts', 'gone')
  await before.delete('deleted.ts')
  const { headers } = await before.get('a.ts')
  await stop(first)

  const second = await start(dataDir)
  t.teardown(() => stop(second))
  const after = client(second)
  const head = await after.get('a.ts', {}, 'HEAD')
  t.match(head, { status: 200, headers: { etag: headers.etag, 'content-length': '700000' } })
  const fresh = await after.get('a.ts', { 'if-none-match': headers.etag ?? '' })
  t.equal(fresh.status, 304)
  const part = await after.get('a.ts', { range: 'bytes=699998-' })
  t.match(part, { status: 206, text: 'xx' })
  const whole = await after.get('a.ts')
  t.ok(whole.body.equals(body))
  t.equal(whole.headers['last-modified'], headers['last-modified'])
  t.equal((await after.get('deleted.ts')).status, 404)
  await after.put('a.ts', body)
  const again = await after.get('a.ts')
  t.not(again.headers.etag, headers.etag, 'other bytes would be another entity')
  t.match(again.headers['cache-control'], /max-age=1$/, 'a name that was used before the restart')
})

t.test('a channel goes on where it was', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir, { caches: { defaults: { holdSecondsMax: 3 } } })
  const before = client(first)
  const main = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nlow.m3u8\n'
  await before.put('main.m3u8', main)
  for (let index = 0; index < 3; index++) await before.put(`${index}.ts`, `segment ${index}`)
  await before.put('low.m3u8', mediaPlaylist(0, 3))
  const cacheControl = (await before.get('low.m3u8')).headers['cache-control']
  await stop(first)

  const second = await start(dataDir, { caches: { defaults: { holdSecondsMax: 3 } } })
  t.teardown(() => stop(second))
  const after = client(second)
  const { adminUrl, keys } = second
  const channels = async () => {
    const answer = await http(`${adminUrl}/api/channels`, {
      headers: { authorization: keys.superUser },
    })
    return JSON.parse(answer.text) as { readonly channels: readonly { readonly state: string }[] }
  }
  t.match(await channels(), { channels: [{ key: 'main.m3u8', state: 'live' }] })
  t.equal((await after.get('low.m3u8')).headers['cache-control'], cacheControl)
  for (let index = 0; index < 3; index++) {
    t.equal((await after.get(`${index}.ts`)).text, `segment ${index}`)
  }
  const late = await after.put('low.m3u8', mediaPlaylist(1, 3))
  t.equal(late.status, 204)
  const held = after.get('3.ts')
  await after.put('3.ts', 'segment 3')
  t.equal((await held).text, 'segment 3', 'a newly named segment is waited for')
})

t.test('a cold object is read once, however many ask', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir)
  await client(first).put('big.ts', Buffer.alloc(3 * MIB, 7))
  await stop(first)
  const second = await start(dataDir)
  t.teardown(() => stop(second))
  const { get } = client(second)
  const answers = await Promise.all(Array.from({ length: 200 }, () => get('big.ts')))
  t.ok(answers.every(({ status, body }) => status === 200 && body.length === 3 * MIB))
  const metrics = await http(`${second.adminUrl}/metrics`, {
    headers: { authorization: second.keys.superUser },
  })
  t.match(metrics.text, /^headwater_disk_reads_total 1$/m)
})

t.test('ten times the memory is stored and read back', async (t) => {
  const origin = await start(t.testdir(), {
    hotStore: { sizeBytesMax: 2 * MIB },
    caches: { defaults: { itemSizeBytesMax: MIB } },
  })
  t.teardown(() => stop(origin))
  const { put, get } = client(origin)
  const bodyOf = (index: number) => Buffer.alloc(500_000, index)
  for (let index = 0; index < 40; index++) {
    t.equal((await put(`${index}.ts`, bodyOf(index), 86_400)).status, 204)
  }
  for (let index = 0; index < 40; index++) {
    t.ok((await get(`${index}.ts`)).body.equals(bodyOf(index)), `${index}`)
  }
})

t.test('over its bound a write is refused with the reason, until there is room', async (t) => {
  const origin = await start(t.testdir(), { storage: { disk: { sizeBytesMax: 3 * MIB } } })
  t.teardown(() => stop(origin))
  const { put, get, delete: remove } = client(origin)
  const body = Buffer.alloc(MIB, 1)
  t.equal((await put('0.ts', body)).status, 204)
  t.equal((await put('1.ts', body)).status, 204)
  const refused = await put('2.ts', body)
  t.match(refused, { status: 507, headers: { 'x-headwater-reason': 'store-full' } })
  t.equal((await get('0.ts')).status, 200)
  t.equal((await put('1.ts', body)).status, 204, 'in place of what it replaces it fits')
  t.equal((await http(`${origin.dataPlaneUrl}/health/ready`)).status, 200)
  await remove('0.ts')
  t.equal((await put('2.ts', body)).status, 204)
})

for (const [what, prepare] of [
  [
    'files of another program',
    async (path: string) => {
      await mkdir(path)
      await writeFile(join(path, 'other.db'), 'not ours')
    },
  ],
  [
    'a newer format',
    async (path: string) => {
      await mkdir(path)
      await writeFile(join(path, 'format.json'), '{"format":"headwater-objects","version":9}')
    },
  ],
  [
    'another format',
    async (path: string) => {
      await mkdir(path)
      await writeFile(join(path, 'format.json'), '[]')
    },
  ],
  ['a file that was cut', async (path: string) => truncate(join(path, 'data.mdb'), 300_000)],
  ['an empty file', async (path: string) => truncate(join(path, 'data.mdb'), 0)],
  ['other bytes', async (path: string) => writeFile(join(path, 'data.mdb'), Buffer.alloc(9000))],
] as const) {
  t.test(`${what} in the directory of objects: refused untouched`, async (t) => {
    const dataDir = t.testdir()
    const path = join(dataDir, 'objects')
    if (/cut|empty|bytes/.test(what)) {
      const first = await start(dataDir)
      await client(first).put('a.ts', Buffer.alloc(2 * MIB, 1))
      await stop(first)
    }
    await prepare(path)
    const contents = async () => {
      const names = (await readdir(path)).filter((name) => name !== 'lock.mdb')
      return Promise.all(names.map((name) => readFile(join(path, name), 'latin1')))
    }
    const before = await contents()
    const refused = start(dataDir)
    await t.rejects(refused, { code: 'HW_DATA_DIR_CORRUPT', detail: /move it away/ })
    t.same(await contents(), before)
  })
}

t.test('a second process on the data directory is refused', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir)
  t.teardown(() => stop(first))
  await t.rejects(start(dataDir), { code: 'HW_DATA_DIR_LOCKED' })
})
