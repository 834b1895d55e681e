/** A real redis-server on loopback, that tests may stop, freeze and start again. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Redis } from 'ioredis'
import { tlsFixture } from './tls.ts'

/** Found by `scripts/e2e.mjs`. */
const COMMAND = process.env['E2E_REDIS_SERVER'] ?? 'redis-server'
const START_MS = 10_000

export interface ValkeyServer {
  readonly port: number
  readonly url: string
  /** As `kill -9` does. */
  kill(): Promise<void>
  /** Again, on the same port; empty unless it wrote its data. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): void
  resume(): void
}

export interface ValkeyServerOptions {
  /** Options of the command line: `--maxmemory 10mb`. */
  readonly args?: readonly string[]
  readonly port?: number
  /** Of the default user, to find out that it runs. */
  readonly password?: string
}

/** Runs until the test ends. */
export async function startValkeyServer(
  t: Test,
  options: ValkeyServerOptions = {},
): Promise<ValkeyServer> {
  const port = options.port ?? (await freePort())
  // Of its own: a test may start several.
  const folder = await mkdtemp(join(tmpdir(), 'headwater-valkey-'))
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn(
      COMMAND,
      [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
        ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
        ...(options.args ?? []),
      ],
      { stdio: 'ignore' },
    )
    await untilAnswers(port, options.password)
  }
  const kill = async () => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await gone
  }
  t.teardown(async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  })
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart: async () => {
      await kill()
      await start()
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  }
}

/** Options that make a server speak TLS on another port, with the certificate `first`, which it trusts. */
export function tlsArgs(tlsPort: number, authClients: 'yes' | 'no'): readonly string[] {
  const files = ['--tls-cert-file', tlsFixture('first.cert.pem')]
  files.push('--tls-key-file', tlsFixture('first.key.pem'))
  files.push('--tls-ca-cert-file', tlsFixture('first.cert.pem'))
  return ['--tls-port', String(tlsPort), '--tls-auth-clients', authClients, ...files]
}

/** A connection for the test itself. */
export function connectTo(t: Test, server: Pick<ValkeyServer, 'port'>, password?: string): Redis {
  const client = new Redis({
    ...{ host: '127.0.0.1', port: server.port, disableClientInfo: true },
    ...(password === undefined ? {} : { password }),
  })
  client.on('error', () => undefined)
  t.teardown(() => client.disconnect())
  return client
}

/** Looks again and again, with a pause of some ms, until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 10_000) {
  const startedAtMs = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedAtMs > limitMs) throw new Error(`not within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return performance.now() - startedAtMs
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Listening on a TCP port, so it is not a path.
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function untilAnswers(port: number, password: string | undefined): Promise<void> {
  const client = new Redis({
    ...{ host: '127.0.0.1', port, lazyConnect: true, disableClientInfo: true },
    ...(password === undefined ? {} : { password }),
    retryStrategy: () => 10,
    maxRetriesPerRequest: null,
  })
  client.on('error', () => undefined)
  try {
    await Promise.race([
      client.ping(),
      new Promise((_resolve, reject) => {
        setTimeout(() => reject(new Error('redis-server does not start')), START_MS).unref()
      }),
    ])
  } finally {
    client.disconnect()
  }
}
