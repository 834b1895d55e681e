import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { closeIdleConnections, http } from '../support/http.ts'
import { archiveOf, readAll } from './archive/archive-bytes.ts'
import { cli, readyLine, startCli } from './cli-run.ts'
import type { CliResult, CliRunOptions } from './cli-run.ts'

t.teardown(() => closeIdleConnections())

interface Place {
  readonly cwd: string
  readonly url: string
  readonly run: (argv: readonly string[], options?: Partial<CliRunOptions>) => Promise<CliResult>
  readonly put: (path: string, body: string | Buffer) => Promise<number>
  readonly get: (path: string) => ReturnType<typeof http>
}

async function openPlace(t: Test, flags: readonly string[] = []): Promise<Place> {
  const cwd = t.testdir()
  const ports = ['--port', '0', '--admin-port', '0', '--profile', 'dev']
  const server = await startCli(t, [...ports, ...flags], { cwd })
  const url = readyLine(server.out())['dataPlaneUrl'] ?? ''
  return {
    ...{ cwd, url },
    run: (argv, options) => cli(argv, { cwd, ...options }),
    put: async (path, body) => (await http(`${url}/cache/${path}`, { method: 'PUT', body })).status,
    get: (path) => http(`${url}/cache/${path}`),
  }
}

const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na1.ts\n#EXT-X-ENDLIST\n'

t.test('a cache goes out and comes in again, bytes, names, types and time to live', async (t) => {
  const { cwd, run, put, get } = await openPlace(t)
  const odd = Buffer.from([0x00, 0xff, 0x2f]).toString('base64url')
  t.equal(await put('live-origin/a/playlist.m3u8?ttl_seconds=100', PLAYLIST), 204)
  t.equal(
    await put('live-origin/a/1%2F..%2F..%2Fx.ts?ttl_seconds=50', Buffer.alloc(70_000, 7)),
    204,
  )
  t.equal(await put(`live-origin?key_base64=${odd}&ttl_seconds=60`, 'odd'), 204)
  const out = await run(['export', '--cache', 'live-origin', '--output', 'o.tar', '--json'])
  t.equal(out.exitCode, 0, out.err)
  t.match(JSON.parse(out.out), {
    objectCount: 3,
    bodyBytes: 70_003 + PLAYLIST.length,
    goneCount: 0,
  })
  t.match(out.err, /^Exported 3 objects, 68\.4 KiB\.$/m)
  t.strictSame(
    readdirSync(cwd).filter((name) => name.startsWith('o.')),
    ['o.tar'],
  )
  if (process.platform !== 'win32') t.equal(statSync(join(cwd, 'o.tar')).mode & 0o777, 0o600)
  const archived = await readAll(readFileSync(join(cwd, 'o.tar')))
  t.equal(archived.at(-1)?.body.toString(), PLAYLIST, 'the playlist is the last')
  t.ok(archived.every(({ metadata }) => metadata.ttlSeconds <= 100 && metadata.ttlSeconds > 40))

  await run(['cache', 'create', 'copy'])
  const first = await run(['import', 'o.tar', '--cache', 'copy'])
  t.equal(first.exitCode, 0, first.err)
  t.match(first.err, /^Imported 3 objects, 68\.4 KiB\.$/m)
  const segment = await get('copy/a/1%2F..%2F..%2Fx.ts')
  t.strictSame(segment.body, Buffer.alloc(70_000, 7))
  t.equal(segment.headers['content-type'], 'video/mp2t')
  t.equal((await get(`copy?key_base64=${odd}`)).text, 'odd')
  t.equal((await get('copy/a/playlist.m3u8')).text, PLAYLIST)

  const again = await run(['import', 'o.tar', '--cache', 'copy', '--json'])
  t.match(JSON.parse(again.out), { importedCount: 0, unchangedCount: 3, refusedCount: 0 })
  t.equal(await put('copy/a/1%2F..%2F..%2Fx.ts', Buffer.alloc(70_000, 8)), 204)
  const third = await run(['import', 'o.tar', '--cache', 'copy'])
  t.match(
    third.err,
    'Imported 1 objects, 68.4 KiB; 2 were there already.',
    'same size, other bytes',
  )
})

t.test('a prefix; through pipes', async (t) => {
  const { run, put, get } = await openPlace(t)
  for (const key of ['a/1.ts', 'a/2.ts', 'b/1.ts']) await put(`live-origin/${key}`, key)
  const out = await run(['export', '--cache', 'live-origin', '--prefix', 'a/'])
  t.equal(out.exitCode, 0, out.err)
  t.equal(out.out, '', 'nothing but the archive')
  t.equal((await readAll(out.outBytes)).length, 2)
  await run(['cache', 'create', 'copy'])
  const into = await run(['import', '-', '--cache', 'copy', '--ttl-seconds', '500'], {
    stdin: out.outBytes,
  })
  t.equal(into.exitCode, 0, into.err)
  t.equal((await get('copy/a/2.ts')).text, 'a/2.ts')
  t.equal((await get('copy/b/1.ts')).status, 404)
  const listed = await run(['export', '--cache', 'copy'])
  t.ok((await readAll(listed.outBytes)).every(({ metadata }) => metadata.ttlSeconds >= 490))
})

t.test('more than a page of the list, and more than the API takes in a minute', async (t) => {
  const { run } = await openPlace(t)
  const objects = Object.fromEntries(
    Array.from({ length: 1300 }, (_, index) => [`o/${index}.ts`, 'x']),
  )
  const into = await run(['import', '-', '--cache', 'live-origin'], {
    stdin: await archiveOf(objects),
  })
  t.match(into.err, 'Imported 1300 objects')
  const out = await run(['export', '--cache', 'live-origin'])
  t.equal((await readAll(out.outBytes)).length, 1300)
})

t.test('what has expired is left out with --keep-expiry', async (t) => {
  const { run, get } = await openPlace(t)
  const archive = await archiveOf({ 'a.ts': 'a' })
  const kept = await run(['import', '-', '--cache', 'live-origin', '--keep-expiry'], {
    stdin: archive,
  })
  t.match(kept.err, 'Imported 0 objects, 0 B; 1 have expired.')
  t.equal((await get('live-origin/a.ts')).status, 404)
  t.equal((await run(['import', '-', '--cache', 'live-origin'], { stdin: archive })).exitCode, 0)
  t.equal((await get('live-origin/a.ts')).status, 200)
})

t.test('an object that the cache does not take is told; the others are imported', async (t) => {
  const { run, get } = await openPlace(t)
  await run(['cache', 'create', 'small', '--item-size-bytes-max', '1024'])
  const stdin = await archiveOf({ 'a.ts': 'a'.repeat(1025), 'b.ts': 'b'.repeat(1024) })
  const into = await run(['import', '-', '--cache', 'small', '--json'], { stdin })
  t.equal(into.exitCode, 1)
  t.match(into.err, /^refused: a\.ts: /m)
  t.match(JSON.parse(into.out), { importedCount: 1, refusedCount: 1 })
  t.equal((await get('small/b.ts')).status, 200)
})

t.test('an archive that was cut short: what came is imported, exit 1', async (t) => {
  const { run, get } = await openPlace(t)
  const archive = await archiveOf({ 'a.ts': 'a', 'b.ts': 'b' })
  const stdin = archive.subarray(0, archive.indexOf('headwater-end.json'))
  const into = await run(['import', '-', '--cache', 'live-origin'], { stdin })
  t.equal(into.exitCode, 1)
  t.match(into.err, /HW_ARCHIVE_INVALID: .*cut short/)
  t.match(into.err, 'Imported 2 objects')
  t.equal((await get('live-origin/b.ts')).text, 'b')
})

t.test('command lines that make no sense, files that are not there', async (t) => {
  const { cwd, run } = await openPlace(t)
  const usage: readonly (readonly string[])[] = [
    ['export'],
    ['export', '--cache', 'a/b'],
    ['export', '--cache', 'live-origin', '--json'],
    ['export', 'x', '--cache', 'live-origin'],
    ['import', '--cache', 'live-origin'],
    ['import', 'o.tar'],
    ['import', 'o.tar', '--cache', 'live-origin', '--ttl-seconds', '0'],
    ['import', 'o.tar', '--cache', 'live-origin', '--ttl-seconds', '5', '--keep-expiry'],
  ]
  for (const argv of usage) t.equal((await run(argv)).exitCode, 2, argv.join(' '))
  t.equal((await run(['export', '--cache', 'live-origin'], { tty: true })).exitCode, 2)
  t.match((await run(['export', '--cache', 'nope'])).err, 'HW_CACHE_NOT_FOUND')
  t.match((await run(['import', 'o.tar', '--cache', 'live-origin'])).err, /HW_ARCHIVE_FILE: .*read/)
  const into = ['--output', join('none', 'o.tar')]
  t.match(
    (await run(['export', '--cache', 'live-origin', ...into])).err,
    /HW_ARCHIVE_FILE: .*written/,
  )
  t.notOk(existsSync(join(cwd, 'none')))
})

t.test('without a server it says what to do', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, ['--port', '0', '--admin-port', '0'], { cwd })
  await server.stop()
  const out = await cli(['export', '--cache', 'live-origin'], { cwd })
  t.equal(out.exitCode, 1)
  t.match(out.err, /No server runs on the data directory/)
  t.match(out.err, /headwater serve/)
})

t.test('a failed export leaves the file of before', async (t) => {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    const url = request.url ?? ''
    if (url === '/api/server') return response.end(JSON.stringify({ adminUrl: 'x' }))
    if (url === '/api/caches/c') return response.end(JSON.stringify({ name: 'c' }))
    if (requests < 5) return response.writeHead(503, { 'retry-after': '0' }).end()
    return response.socket?.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  // A TCP server's address, not a pipe's.
  const { port } = server.address() as AddressInfo
  const cwd = t.testdir({ 'o.tar': 'the one before' })
  const argv = ['export', '--cache', 'c', '--output', 'o.tar']
  const out = await cli([...argv, '--admin-url', `http://127.0.0.1:${port}`], { cwd })
  t.equal(out.exitCode, 1)
  t.match(out.err, 'HW_CLI_SERVER_UNREACHABLE')
  t.equal(requests, 7, 'the list was tried five times')
  t.equal(readFileSync(join(cwd, 'o.tar'), 'utf8'), 'the one before')
  t.strictSame(readdirSync(cwd), ['o.tar'])
})

t.test('an older file is replaced', async (t) => {
  const { cwd, run, put } = await openPlace(t)
  await put('live-origin/a.ts', 'a')
  writeFileSync(join(cwd, 'o.tar'), 'older')
  const argv = ['export', '--cache', 'live-origin', '--output', 'o.tar']
  const out = await run(argv, { tty: true })
  t.equal(out.exitCode, 0, out.err)
  t.equal((await readAll(readFileSync(join(cwd, 'o.tar')))).length, 1)
})
