/**
 * Sockets that a supervisor opened for this process (systemd's socket activation, sd_listen_fds(3)):
 * they listen before it starts and after it ends, so that a restart refuses no connection.
 */

import { HeadwaterError } from '../base/errors.ts'
import type { InheritedSockets } from '../http/plane-listeners.ts'

/** The first one; the others follow. */
const FIRST_FD = 3
const FDS_MAX = 64

const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'] as const
const NAMES = ['http', 'https', 'admin'] as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * `LISTEN_FDS` sockets from descriptor 3 on, if `LISTEN_PID` is this process. `LISTEN_FDNAMES` says
 * which is which: `http`, `https`, `admin`, each as often as it has addresses. A single socket
 * without one of these names is `http`.
 *
 * @returns `undefined` when there are none, or when they are meant for another process.
 * @throws HeadwaterError HW_START_LISTEN_FAILED when the variables make no sense.
 */
export function parseListenFds(env: Environment, pid: number): InheritedSockets | undefined {
  const { LISTEN_FDS: count, LISTEN_PID: owner, LISTEN_FDNAMES: nameList = '' } = env
  if (count === undefined || owner === undefined || Number(owner) !== pid) return undefined
  const fdCount = Number(count)
  if (!/^\d+$/.test(count) || fdCount > FDS_MAX) {
    throw problem(`LISTEN_FDS is ${JSON.stringify(count)}: not a number of sockets`)
  }
  if (fdCount === 0) return undefined
  const names = nameList.split(':')
  const [onlyName] = names
  if (fdCount === 1 && !isName(onlyName)) return { http: [FIRST_FD] }
  const sockets: Partial<Record<(typeof NAMES)[number], number[]>> = {}
  for (let index = 0; index < fdCount; index++) {
    const name = names[index]
    if (!isName(name)) {
      throw problem(
        `LISTEN_FDNAMES calls socket ${index + 1} of ${fdCount} ${JSON.stringify(name ?? '')}`,
      )
    }
    const fds = (sockets[name] ??= [])
    fds.push(FIRST_FD + index)
  }
  return sockets
}

/** As {@link parseListenFds}, and takes the variables away: children must not believe them. */
export function takeListenFds(
  env: Record<string, string | undefined>,
  pid: number,
): InheritedSockets | undefined {
  const sockets = parseListenFds(env, pid)
  for (const name of VARIABLES) delete env[name]
  return sockets
}

function isName(name: string | undefined): name is (typeof NAMES)[number] {
  return NAMES.some((known) => known === name)
}

function problem(message: string): HeadwaterError {
  return new HeadwaterError('HW_START_LISTEN_FAILED', `Inherited sockets: ${message}.`, {
    detail: `Name each one http, https or admin (in systemd FileDescriptorName= of the .socket unit).`,
  })
}
