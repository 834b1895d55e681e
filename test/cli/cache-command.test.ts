import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { closeIdleConnections, http } from '../support/http.ts'
import { cli, readyLine, startCli } from './cli-run.ts'
import type { CliResult, CliRunOptions } from './cli-run.ts'

t.teardown(() => closeIdleConnections())

const FREE_PORTS = ['--port', '0', '--admin-port', '0']

interface Place {
  readonly cwd: string
  readonly url: string
  readonly cache: (argv: readonly string[], options?: Partial<CliRunOptions>) => Promise<CliResult>
}

async function openPlace(t: Test, isRunning: boolean, flags: string[] = []): Promise<Place> {
  const cwd = t.testdir()
  const server = await startCli(t, [...FREE_PORTS, ...flags], { cwd })
  const url = readyLine(server.out())['dataPlaneUrl'] ?? ''
  if (!isRunning) await server.stop()
  return { cwd, url, cache: (argv, options) => cli(['cache', ...argv], { cwd, ...options }) }
}

for (const [name, isRunning] of [
  ['with a server', true],
  ['without one', false],
] as const) {
  t.test(`${name}: create, list, show, set, delete`, async (t) => {
    const { cache } = await openPlace(t, isRunning)
    const created = await cache(['create', 'news', '--anonymous', 'read', '--json'])
    t.match(JSON.parse(created.out), { name: 'news', settings: { anonymous: 'read' } })
    t.match((await cache(['create', 'news'])).err, 'HW_CACHE_EXISTS')
    t.match((await cache(['list'])).out, /^news +0 +0 B +3600 s +10\.0 MiB +read +no$/m)
    const set = await cache(['set', 'news', '--default-ttl-seconds', '60'])
    t.match(set.out, /^defaultTtlSeconds +60$/m)
    t.match(set.out, /^anonymous +read$/m)
    t.match(set.out, /^ttlRules +none {2}\(default\)$/m)
    const ruled = await cache(['set', 'news', '--ttl-rules', '*.m3u8=60,vod/**=86400'])
    t.match(ruled.out, /^ttlRules +\*\.m3u8=60, vod\/\*\*=86400$/m)
    t.match((await cache(['set', 'news', '--ttl-rules', '*.m3u8'])).err, 'entries such as')
    t.match(set.out, /^emptyBody +refuse {2}\(default\)$/m)
    t.match((await cache(['show', 'news'])).out, /^cache +news$/m)
    const shown: unknown = JSON.parse((await cache(['show', 'news', '--json'])).out)
    t.match(shown, { overrides: { defaultTtlSeconds: 60, anonymous: 'read' } })
    t.match((await cache(['delete', 'news', '--yes'])).out, 'Cache news is deleted.')
    t.match((await cache(['show', 'news'])).err, 'HW_CACHE_NOT_FOUND')
    const list: unknown = JSON.parse((await cache(['list', '--json'])).out)
    t.match(list, { caches: [{ name: 'live-origin' }] })
  })

  t.test(`${name}: settings that are not valid, or none: exit 2`, async (t) => {
    const { cache } = await openPlace(t, isRunning)
    const argv = ['set', 'live-origin', '--item-size-bytes-max', '12', '--anonymous', 'raed']
    const wrong = await cache(argv)
    t.equal(wrong.exitCode, 2)
    t.match(wrong.err, '--item-size-bytes-max "12": must be between 1024 and')
    t.match(wrong.err, 'did you mean read?')
    t.equal((await cache(['set', 'live-origin', '--default-ttl-seconds', '5m'])).exitCode, 2)
    t.match((await cache(['set', 'live-origin'])).err, 'Nothing is set.')
    t.match((await cache(['create', 'a/b'])).err, 'HW_CACHE_INVALID')
    t.match((await cache(['flush', 'nope', '--yes'])).err, 'HW_CACHE_NOT_FOUND')
  })
}

t.test('flush removes what is stored, and says how much', async (t) => {
  const { cache, url } = await openPlace(t, true, ['--profile', 'dev'])
  for (const key of ['a.ts', 'b.ts']) {
    const answer = await http(`${url}/cache/live-origin/${key}`, { method: 'PUT', body: 'xy' })
    t.equal(answer.status, 204)
  }
  t.match((await cache(['list'])).out, /^live-origin +2 /m)
  const flushed = await cache(['flush', 'live-origin', '--yes', '--json'])
  t.strictSame(JSON.parse(flushed.out), { name: 'live-origin', flushedCount: 2 })
  t.equal((await http(`${url}/cache/live-origin/a.ts`)).status, 404)
})

t.test('what destroys asks first; nobody to ask: --yes', async (t) => {
  const { cache } = await openPlace(t, false)
  const unattended = await cache(['delete', 'live-origin'])
  t.equal(unattended.exitCode, 2)
  t.match(unattended.err, 'Add --yes')
  const no = await cache(['delete', 'live-origin'], { tty: true, answers: ['n'] })
  t.match(no.asked[0], 'Delete the cache live-origin and its 0 items?')
  t.match(no.err, 'Nothing was changed.')
  t.equal((await cache(['show', 'live-origin'])).exitCode, 0)
  const yes = await cache(['delete', 'live-origin'], { tty: true, answers: ['y'] })
  t.match(yes.out, 'is deleted')
  t.equal((await cache(['flush', 'live-origin'], { tty: true })).exitCode, 1)
})

t.test('a declared cache says that it comes back', async (t) => {
  const { cache } = await openPlace(t, false)
  const declare = ['--caches-items', '[{"name":"declared"}]']
  t.match((await cache(['show', 'declared', ...declare])).out, 'declared by the configuration')
  const deleted = await cache(['delete', 'declared', '-y', ...declare])
  t.match(deleted.out, 'the next start makes it again')
})

t.test(
  'before the first start: a missing directory is not made, an empty one may be used',
  async (t) => {
    const cwd = t.testdir()
    const missing = await cli(['cache', 'create', 'news'], { cwd })
    t.equal(missing.exitCode, 1)
    t.match(missing.err, 'There is no data directory')
    t.notOk(existsSync(join(cwd, '.headwater')))
    mkdirSync(join(cwd, '.headwater'))
    t.equal((await cli(['cache', 'create', 'news'], { cwd })).exitCode, 0)
    const { out } = await cli(['cache', 'list'], { cwd })
    t.match(out, /^live-origin /m, 'the first cache is there, as after a first start')
  },
)
