/**
 * The supervisor's part of socket activation: holds a socket that origins in child processes listen
 * on. It never accepts itself, so that connections wait while no child runs.
 */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import * as net from 'node:net'
import { join } from 'node:path'

const CHILD = join(import.meta.dirname, 'inheriting-child.ts')

export interface ListeningSocket {
  readonly fd: number
  /** Connections are refused until the first child has listened; after that they wait. */
  readonly url: string
  close(): void
}

/** Binds a socket without listening on it: a `net.Server` would accept what is meant for the child. */
type CreateHandle = (
  address: string,
  port: number,
  addressType: 4,
) => {
  readonly fd: number
  getsockname(out: { port?: number }): number
  close(): void
}

/** Whether this platform can hand a listening socket to a child as a descriptor. */
export const canInheritSockets = process.platform !== 'win32'

export function openListeningSocket(): ListeningSocket {
  // Undocumented, but what node's own cluster module stands on; the types do not have it.
  const { _createServerHandle: createHandle } = net as unknown as {
    readonly _createServerHandle: CreateHandle
  }
  const handle = createHandle('127.0.0.1', 0, 4)
  const name: { port?: number } = {}
  handle.getsockname(name)
  return {
    fd: handle.fd,
    url: `http://127.0.0.1:${String(name.port)}`,
    close: () => handle.close(),
  }
}

export interface OriginChild {
  readonly process: ChildProcess
  /** What the child printed when it was ready. */
  readonly ready: Readonly<Record<string, string>>
  /** SIGTERM unless told; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts an origin that uses the socket.
 *
 * @param dataDir  Keys outlive it.
 * @param storageKind  Whether objects do.
 */
export async function startOriginChild(
  { fd }: ListeningSocket,
  dataDir: string,
  storageKind: 'memory' | 'disk' = 'memory',
): Promise<OriginChild> {
  const child = spawn(process.execPath, [...process.execArgv, CHILD, dataDir, storageKind], {
    stdio: ['ignore', 'pipe', 'inherit', fd],
    env: { ...process.env, LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' },
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the child ended')))
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString()))
  })
  return {
    process: child,
    // Written by the child below.
    ready: JSON.parse(line) as Readonly<Record<string, string>>,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}
