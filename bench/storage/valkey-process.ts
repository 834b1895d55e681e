/** A redis-server (or valkey-server) of the bench's own, on loopback, that keeps nothing. */

import { spawn } from 'node:child_process'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PartialConfig } from '../../src/config/schema.ts'

const COMMAND = process.env['E2E_REDIS_SERVER'] ?? 'redis-server'
const START_MS = 10_000

export interface ValkeyProcess {
  /** Of an origin that uses it; patient, since a busy machine must not end the run. */
  readonly settings: PartialConfig
  stop(): Promise<void>
}

/** @throws Error when there is no such command, or it does not answer. */
export async function startValkey(): Promise<ValkeyProcess> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-valkey-'))
  const child = spawn(
    COMMAND,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
    ],
    { stdio: 'ignore' },
  )
  let problem: string | undefined
  child.once('error', (error) => (problem = `${COMMAND}: ${error.message}`))
  child.once('exit', (code) => (problem ??= `${COMMAND} ended with ${String(code)}`))
  const kill = () => child.kill('SIGKILL')
  // A bench that died leaves no server behind.
  process.once('exit', kill)
  const startedAtMs = performance.now()
  while (!(await isListening(port))) {
    if (performance.now() - startedAtMs > START_MS) problem ??= `${COMMAND} does not listen`
    if (problem !== undefined) throw new Error(problem)
    await sleep(20)
  }
  return {
    settings: {
      storage: {
        kind: 'valkey',
        timeoutMs: 10_000,
        valkey: { url: `redis://127.0.0.1:${port}` },
      },
    },
    stop: async () => {
      process.off('exit', kill)
      if (child.exitCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        kill()
        await gone
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      // A TCP server's address has a port.
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
