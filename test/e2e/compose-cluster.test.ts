/** The configuration of docker/compose.cluster.yaml in the real programs, on loopback. */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { connectTo, freePort, until } from '../support/valkey-server.ts'

const DOCKER = new URL('../../docker/', import.meta.url)
const SERVER = process.env['E2E_REDIS_SERVER'] ?? '/usr/bin/redis-server'

const VARNISH = process.env['E2E_VARNISHD'] ?? '/usr/sbin/varnishd'

const root = await mkdtemp(join(tmpdir(), 'headwater-cluster-'))
const children = new Map<string, ChildProcess>()
t.teardown(async () => {
  for (const child of children.values()) child.kill('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

/** Every address of the rig, with what stands for it here. */
const ports = {
  '172.30.77.11': await freePort(),
  '172.30.77.12': await freePort(),
  '172.30.77.21': await freePort(),
  '172.30.77.22': await freePort(),
  '172.30.77.23': await freePort(),
} as const
type Address = keyof typeof ports

function onLoopback(text: string): string {
  return Object.entries(ports).reduce((rest, [address, port]) => {
    return rest.replaceAll(new RegExp(`${address}(?:([ :])\\d+)?`, 'g'), (_all, between = ':') => {
      return `127.0.0.1${String(between)}${port}`
    })
  }, text)
}

async function start(kind: 'valkey' | 'sentinel', address: Address, primary = ''): Promise<void> {
  const folder = join(root, address)
  await mkdir(folder)
  const conf = await readFile(new URL(`valkey/${kind}.conf`, DOCKER), 'utf8')
  const own = onLoopback(conf)
    .replace(/^port .*$/m, `port ${ports[address]}`)
    .replace(/^bind .*$/m, 'bind 127.0.0.1')
    .replace(/^dir .*$/m, `dir ${folder}`)
  await mkdir(join(folder, 'etc'))
  await writeFile(join(folder, 'etc', `${kind}.conf`), own)
  const child = spawn('sh', [fileURLToPath(new URL('valkey/start.sh', DOCKER)), kind], {
    env: {
      PATH: `${root}${delimiter}${process.env['PATH'] ?? ''}`,
      ...{ CONFIG_DIR: join(folder, 'etc'), DATA_DIR: folder, PRIMARY: primary },
    },
    stdio: 'ignore',
  })
  children.set(address, child)
}

function put(origin: Headwater, key: string) {
  return fetch(`${origin.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=60`, {
    ...{ method: 'PUT', body: key, headers: { authorization: origin.keys.encoder } },
  })
}

t.test('two origins on it, and the loss of the primary', async (t) => {
  await symlink(SERVER, join(root, 'valkey-server'))
  const compose = parse(await readFile(new URL('compose.cluster.yaml', DOCKER), 'utf8'), {
    merge: true,
    // The shape of the one part that is read here.
  }) as { readonly services: Record<string, { readonly environment?: Record<string, string> }> }
  const { 'valkey-b': replica, 'origin-a': origin } = compose.services
  await start('valkey', '172.30.77.11')
  await start('valkey', '172.30.77.12', onLoopback(replica?.environment?.['PRIMARY'] ?? ''))
  const direct = connectTo(t, { port: ports['172.30.77.12'] }, 'rig-valkey')
  await until(async () => (await direct.info('replication')).includes('link_status:up'), 20_000)
  for (const address of ['172.30.77.21', '172.30.77.22', '172.30.77.23'] as const) {
    await start('sentinel', address)
  }
  const guard = connectTo(t, { port: ports['172.30.77.21'] }, 'rig-sentinel')
  await until(async () => {
    const [replicas, others] = await Promise.all([
      guard.call('SENTINEL', 'replicas', 'main').catch(() => []),
      guard.call('SENTINEL', 'sentinels', 'main').catch(() => []),
    ])
    return [replicas, others].map((rows) => (rows as readonly unknown[]).length).join() === '1,2'
  }, 30_000)

  const url = onLoopback(origin?.environment?.['HEADWATER_STORAGE_VALKEY_URL'] ?? '')
  const settings = {
    storage: { kind: 'valkey', valkey: { url } },
    http: { shutdownSeconds: 1 },
  } as const
  const a = await startHeadwater({ settings })
  const b = await startHeadwater({ settings })
  t.teardown(() => Promise.all([a.close(), b.close()]))
  t.equal((await put(a, 'before.ts')).status, 204)
  const read = (key: string) =>
    fetch(`${b.dataPlaneUrl}/cache/live-origin/${key}`, {
      headers: { authorization: a.keys.player },
    })
  t.equal(await (await read('before.ts')).text(), 'before.ts', 'with a key of the other origin')

  children.get('172.30.77.11')?.kill('SIGKILL')
  const startedAtMs = performance.now()
  await until(async () => (await put(a, 'after.ts')).status === 204, 60_000)
  t.comment(
    `a PUT was stored again ${(performance.now() - startedAtMs).toFixed(0)} ms after the kill`,
  )
  await until(async () => (await read('after.ts')).status === 200, 10_000)
  t.equal((await read('before.ts')).status, 200)
  const conf = await readFile(join(root, '172.30.77.12', 'valkey.conf'), 'utf8')
  t.notMatch(conf, /^replicaof/m, 'who is the primary is remembered for the next start')
})

t.test('Varnish compiles what the rig gives it', async (t) => {
  const compose = parse(await readFile(new URL('compose.cluster.yaml', DOCKER), 'utf8'), {
    merge: true,
    // The shape of the one part that is read here.
  }) as { readonly services: Record<string, { readonly environment?: Record<string, string> }> }
  const names = Object.keys(compose.services['varnish']?.environment ?? {})
  const hosts = names.filter((name) => name.endsWith('_HOST'))
  t.same(hosts, ['ORIGIN_HOST', 'ORIGIN_B_HOST'])
  // Names of containers are known to nobody here.
  const env = Object.fromEntries(hosts.map((name) => [name, '127.0.0.1']))
  const folder = join(root, 'vcl')
  await mkdir(folder)
  for (const name of ['default.vcl', 'twin.vcl']) {
    const render = fileURLToPath(new URL('cdn/render.sh', DOCKER))
    const file = fileURLToPath(new URL(`cdn/varnish/${name}`, DOCKER))
    const { stdout, stderr } = spawnSync('sh', [render, file], {
      env: { PATH: process.env['PATH'] ?? '', PLAYER_KEY: 'a-key', ...env },
      encoding: 'utf8',
    })
    t.equal(stderr, '')
    await writeFile(join(folder, name), stdout)
  }
  const args = ['-C', '-j', 'none', '-f', join(folder, 'twin.vcl'), '-n', join(folder, 'work')]
  const { status, stderr } = spawnSync(VARNISH, args, { encoding: 'utf8', timeout: 60_000 })
  t.equal(status, 0, stderr.slice(-2000))
})
