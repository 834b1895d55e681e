/** Real Sentinels on loopback, and a primary with a replica for them to watch. */

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Redis } from 'ioredis'
import { tlsFixture } from './tls.ts'
import { freePort, startValkeyServer, tlsArgs, until } from './valkey-server.ts'
import type { ValkeyServer } from './valkey-server.ts'

/** Found by `scripts/e2e.mjs`. */
const COMMAND = process.env['E2E_REDIS_SERVER'] ?? 'redis-server'
const START_MS = 20_000

/** What the Sentinels call the primary. */
export const SENTINEL_NAME = 'main'

export interface SentinelOptions {
  readonly count?: number
  /** Of all servers. */
  readonly password?: string
  /** Of the Sentinels. */
  readonly sentinelPassword?: string
  /** Between all of them, and for whoever connects; with the certificate `first`. */
  readonly tls?: boolean
  readonly downAfterMs?: number
}

export interface SentinelSet {
  readonly servers: readonly [ValkeyServer, ValkeyServer]
  /** The ports of these that the Sentinels speak of. */
  readonly watchedPorts: readonly [number, number]
  readonly sentinelPorts: readonly number[]
  /** Where the Sentinels say that the primary is. */
  primaryPort(): Promise<number>
}

/** A primary, its replica and Sentinels that know both; runs until the test ends. */
export async function startSentinels(t: Test, options: SentinelOptions = {}): Promise<SentinelSet> {
  const { count = 3, password, sentinelPassword } = options
  const auth = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const start = async (primaryPort?: number) => {
    const port = await freePort()
    const tlsPort = options.tls === true ? await freePort() : undefined
    const args = ['--repl-diskless-sync-delay', '0', ...auth]
    if (tlsPort !== undefined) args.push(...tlsArgs(tlsPort, 'no'), '--tls-replication', 'yes')
    if (primaryPort !== undefined) args.push('--replicaof', '127.0.0.1', String(primaryPort))
    const server = await startValkeyServer(t, {
      ...{ port, args },
      ...(password === undefined ? {} : { password }),
    })
    return { server, watchedPort: tlsPort ?? port }
  }
  const primary = await start()
  const replica = await start(primary.watchedPort)
  const sentinelPorts: number[] = []
  for (let index = 0; index < count; index++) {
    sentinelPorts.push(await startSentinel(t, primary.watchedPort, options))
  }
  const sentinel = new Redis({
    ...{ host: '127.0.0.1', port: sentinelPorts[0] ?? 0 },
    ...{ enableReadyCheck: false, disableClientInfo: true },
    ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
    ...(options.tls === true ? { tls: { ca: await readFile(tlsFixture('first.cert.pem')) } } : {}),
  })
  sentinel.on('error', () => undefined)
  t.teardown(() => sentinel.disconnect())
  const rowsOf = async (what: string) => {
    return (await sentinel.call('SENTINEL', what, SENTINEL_NAME)) as readonly unknown[]
  }
  await until(async () => {
    const [replicas, others] = await Promise.all([rowsOf('replicas'), rowsOf('sentinels')])
    const isSynced = JSON.stringify(replicas).includes('"master-link-status","ok"')
    return replicas.length === 1 && isSynced && others.length === count - 1
  }, START_MS)
  return {
    servers: [primary.server, replica.server],
    watchedPorts: [primary.watchedPort, replica.watchedPort],
    sentinelPorts,
    primaryPort: async () => Number((await rowsOf('get-master-addr-by-name'))[1]),
  }
}

async function startSentinel(t: Test, port: number, options: SentinelOptions): Promise<number> {
  const { count = 3, password, sentinelPassword, downAfterMs = 1000 } = options
  const folder = await mkdtemp(join(tmpdir(), 'headwater-sentinel-'))
  const sentinelPort = await freePort()
  const lines = [
    ...['bind 127.0.0.1', `dir ${folder}`],
    ...(options.tls === true
      ? ['port 0', 'tls-replication yes', ...linesOf(tlsArgs(sentinelPort, 'no'))]
      : [`port ${sentinelPort}`]),
    `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${port} ${Math.floor(count / 2) + 1}`,
    `sentinel down-after-milliseconds ${SENTINEL_NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${SENTINEL_NAME} 5000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${SENTINEL_NAME} ${password}`]),
    ...(sentinelPassword === undefined
      ? []
      : [`requirepass ${sentinelPassword}`, `sentinel sentinel-pass ${sentinelPassword}`]),
  ]
  const file = join(folder, 'sentinel.conf')
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = spawn(COMMAND, [file, '--sentinel'], { stdio: 'ignore' })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await gone
    await rm(folder, { recursive: true, force: true })
  })
  return sentinelPort
}

/** Of a file, as on a command line. */
function linesOf(args: readonly string[]): string[] {
  return args
    .join(' ')
    .split(/(?:^| )--/)
    .filter(Boolean)
}
