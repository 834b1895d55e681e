/** An origin as `serve` and `demo` run it: it owns its data directory and can be found there. */

import { resolve } from 'node:path'
import { openHeadwater } from '../app.ts'
import type { Headwater } from '../app.ts'
import type { Clock } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/schema.ts'
import type { InheritedSockets } from '../http/plane-listeners.ts'
import type { FaultFile } from '../rig/fault-file.ts'
import { DataDirectory } from '../storage/data-directory.ts'
import { SERVER_FILE } from './server-file.ts'
import type { ServerInfo } from './server-file.ts'

export interface OriginProcessOptions {
  readonly config: Config
  /** Where each setting comes from, by path. */
  readonly sources: ReadonlyMap<string, string>
  readonly cwd: string
  readonly clock: Clock
  readonly log: Logger
  /** Used instead of opening ports. */
  readonly inheritedSockets?: InheritedSockets | undefined
  /** Faults and scenarios of a test rig. */
  readonly faultFile?: FaultFile | undefined
}

export interface OriginProcess {
  readonly headwater: Headwater
  readonly info: ServerInfo
  /** Absolute. */
  readonly dataDir: string
  /** Absolute path of a file in the data directory. */
  readonly pathOf: (name: string) => string
  /** May be called twice. */
  close(): Promise<void>
}

/** @throws HeadwaterError that says what to change. Nothing stays open. */
export async function startOriginProcess(options: OriginProcessOptions): Promise<OriginProcess> {
  const { config, sources, cwd, clock, log, inheritedSockets } = options
  const dataDirectory = await DataDirectory.open(resolve(cwd, config.dataDir), {
    create: true,
    clock,
  })
  const { documents } = dataDirectory
  // It closes the directory itself, also when it fails.
  const headwater = await openHeadwater({
    ...{ config, sources, dataDirectory, clock, log, faultFile: options.faultFile },
    ...(inheritedSockets === undefined ? {} : { inheritedSockets }),
  }).catch((error: unknown) => {
    throw withFlags(error, config)
  })
  const { tlsUrl } = headwater
  const info: ServerInfo = {
    pid: process.pid,
    dataPlaneUrl: headwater.dataPlaneUrl,
    adminUrl: headwater.adminUrl,
    ...(tlsUrl === undefined ? {} : { tlsUrl }),
    publicUrl: headwater.publicUrl,
    startedAt: formatIsoTime(clock.nowMs()),
    version: VERSION,
  }
  try {
    await documents.write(SERVER_FILE, info)
  } catch (error) {
    await headwater.close()
    throw error
  }
  const close = async () => {
    await documents.remove(SERVER_FILE).catch((error: unknown) => {
      // A stale one is recognised; that the disk is in trouble should be known.
      log.warn({ err: error }, 'server.json was not removed')
    })
    await headwater.close()
  }
  let closing: Promise<void> | undefined
  return {
    headwater,
    info,
    dataDir: dataDirectory.path,
    pathOf: (name) => documents.pathOf(name),
    close: () => (closing ??= close()),
  }
}

/** Whose port another program has; `undefined` when the error is another one. */
export function takenPort(error: unknown): 'http' | 'tls' | 'admin' | undefined {
  if (!(error instanceof HeadwaterError) || error.code !== 'HW_START_PORT_TAKEN') return undefined
  if (error.message.startsWith('The admin plane')) return 'admin'
  return error.message.startsWith('The TLS port') ? 'tls' : 'http'
}

/** A taken port, with the flag and the setting that choose another one. */
function withFlags(error: unknown, config: Config): unknown {
  const taken = takenPort(error)
  if (taken === undefined || !(error instanceof HeadwaterError)) return error
  const [flag, setting, port] = {
    http: ['--port', 'http.port', config.http.port] as const,
    tls: ['--http-tls-port', 'http.tls.port', config.http.tls.port] as const,
    admin: ['--admin-port', 'admin.port', config.admin.port] as const,
  }[taken]
  return new HeadwaterError('HW_START_PORT_TAKEN', error.message, {
    detail:
      `Stop the program that has port ${port}, or choose another one with ${flag} (setting ${setting}). ` +
      `${flag} 0 picks a free one.`,
    cause: error,
  })
}
