/**
 * `server.json`: what a running server leaves in its data directory so that `key` and `cache` find
 * it. Written and removed by the directory's owner; whoever reads it must expect a stale one.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { systemErrorCode } from '../base/system-error.ts'

export const SERVER_FILE = 'server.json'

const ServerInfoSchema = Type.Object({
  pid: Type.Integer({ minimum: 1 }),
  /** How this machine reaches it. */
  dataPlaneUrl: Type.String(),
  adminUrl: Type.String(),
  /** Absent without a certificate. */
  tlsUrl: Type.Optional(Type.String()),
  /** What encoders and players are told. */
  publicUrl: Type.String(),
  /** RFC 3339. */
  startedAt: Type.String(),
  version: Type.String(),
})

export type ServerInfo = Readonly<Static<typeof ServerInfoSchema>>

/**
 * @param dataDir  Absolute.
 * @returns `undefined` when there is none, or when it is not readable: then the lock decides.
 */
export async function readServerFile(dataDir: string): Promise<ServerInfo | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(dataDir, SERVER_FILE), 'utf8'))
    return Value.Check(ServerInfoSchema, value) ? value : undefined
  } catch {
    // Ignored: no server, or one that was killed while it wrote; the directory's lock tells.
    return undefined
  }
}

/** Whether its process is still there. Of another user's process that is all that can be known. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}
