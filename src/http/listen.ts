/**
 * Listening addresses. `localhost` means 127.0.0.1 and ::1 (players resolve it to either), `*` the
 * whole network; or sockets that the supervisor opened and keeps open over a restart. One server
 * takes the connections of every address.
 */

import { createServer, isIPv6, Server as NetServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { HeadwaterError } from '../base/errors.ts'
import { systemErrorCode } from '../base/system-error.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 picks a free one, the same for every address. */
  readonly port: number
  readonly name: string
  /** Listening sockets of the supervisor (`LISTEN_FDS`); host and port are not looked at then. */
  readonly inheritedFds?: readonly number[] | undefined
}

export interface Listening {
  readonly port: number
  /** How this machine reaches it, no trailing slash. */
  readonly url: string
  close(): Promise<void>
}

/** A free port of one address may be taken on the other; another one is tried so often. */
const FREE_PORT_TRIES = 10

/** @throws HeadwaterError HW_START_PORT_TAKEN, HW_START_LISTEN_FAILED. */
export async function listenOn(server: NetServer, options: ListenOptions): Promise<Listening> {
  const { inheritedFds = [] } = options
  if (inheritedFds.length > 0) return listenOnInherited(server, inheritedFds, options)
  const [first = '127.0.0.1', ...others] = addressesOf(options.host)
  for (let attempt = 1; ; attempt++) {
    const mainAddress = await listenFirst(server, first, options)
    const { port } = mainAddress
    const extra: NetServer[] = []
    try {
      for (const address of others) extra.push(await listenExtra(server, address, port))
    } catch (error) {
      await Promise.all([closeServer(server), ...extra.map(closeServer)])
      const canRetry = options.port === 0 && attempt < FREE_PORT_TRIES
      if (canRetry && systemErrorCode(error) === 'EADDRINUSE') continue
      throw listenError(error, options)
    }
    return {
      port,
      url: `http://${urlHost(options.host, mainAddress)}:${port}`,
      close: async () => {
        await Promise.all([closeServer(server), ...extra.map(closeServer)])
      },
    }
  }
}

/**
 * Takes over sockets that listen already. Closing them closes this process's copy: connections wait
 * in the queue of the supervisor's for the next process.
 */
async function listenOnInherited(
  server: NetServer,
  fds: readonly number[],
  options: ListenOptions,
): Promise<Listening> {
  const servers: NetServer[] = []
  const addresses: AddressInfo[] = []
  try {
    for (const fd of fds) {
      const one = servers.length === 0 ? server : createExtra(server)
      servers.push(one)
      addresses.push(await listenOnFd(one, fd))
    }
  } catch (error) {
    await Promise.all(servers.map(closeServer))
    throw new HeadwaterError(
      'HW_START_LISTEN_FAILED',
      `The ${options.name} cannot use the inherited socket ${fds.join(', ')}: ${systemErrorCode(error) || String(error)}.`,
      {
        detail:
          'It has to be a listening TCP socket (LISTEN_FDS; in systemd ListenStream= of a port).',
        cause: error,
      },
    )
  }
  const [first] = addresses
  if (first === undefined) throw new TypeError('no inherited socket')
  return {
    port: first.port,
    url: `http://${urlHost(first.address, first)}:${first.port}`,
    close: async () => {
      await Promise.all(servers.map(closeServer))
    },
  }
}

function listenOnFd(server: NetServer, fd: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ fd }, () => {
      server.off('error', reject)
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(address)
      else reject(new TypeError('not a TCP socket'))
    })
  })
}

function addressesOf(host: string): readonly string[] {
  if (host === 'localhost') return ['127.0.0.1', '::1']
  if (host === '*') return ['::']
  return [host]
}

async function listenFirst(
  server: NetServer,
  address: string,
  options: ListenOptions,
): Promise<AddressInfo> {
  try {
    return await listen(server, address, options.port)
  } catch (error) {
    // A machine without IPv6: the whole network is 0.0.0.0 there.
    if (address === '::' && isUnsupportedAddress(error)) {
      try {
        return await listen(server, '0.0.0.0', options.port)
      } catch (fallbackError) {
        throw listenError(fallbackError, options)
      }
    }
    throw listenError(error, options)
  }
}

async function listenExtra(server: NetServer, address: string, port: number): Promise<NetServer> {
  const extra = createExtra(server)
  try {
    await listen(extra, address, port)
  } catch (error) {
    if (!isUnsupportedAddress(error)) throw error
    // Ignored: this machine has no such address (IPv6 is off), the first one serves.
  }
  return extra
}

/** A plain socket server that hands its connections to the first (a documented use of its event). */
function createExtra(server: NetServer): NetServer {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    server.emit('connection', socket)
  })
}

function listen(server: NetServer, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // `ipv6Only` keeps ::1 and 127.0.0.1 apart; the unspecified address takes both families.
    server.listen({ host, port, ipv6Only: isIPv6(host) && host !== '::', backlog: 1024 }, () => {
      server.off('error', reject)
      // A TCP server's address is an AddressInfo once it listens.
      resolve(server.address() as AddressInfo)
    })
  })
}

function closeServer(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    // Not waited for: it calls back when the last connection has gone, which close() sees to. And
    // not http's own close(), which destroys idle connections at once: a request on its way to one
    // would be answered with a RST.
    NetServer.prototype.close.call(server)
    resolve()
  })
}

function urlHost(host: string, address: AddressInfo): string {
  if (host === 'localhost' || host === '*' || host === '::' || host === '0.0.0.0')
    return '127.0.0.1'
  return isIPv6(address.address) ? `[${address.address}]` : address.address
}

function isUnsupportedAddress(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(systemErrorCode(error))
}

function listenError(error: unknown, options: ListenOptions): HeadwaterError {
  if (error instanceof HeadwaterError) return error
  const where = `${options.host}:${options.port}`
  if (systemErrorCode(error) === 'EADDRINUSE') {
    return new HeadwaterError(
      'HW_START_PORT_TAKEN',
      `The ${options.name} cannot listen on ${where}: the port is taken.`,
      {
        detail: `Stop the program that has it, or choose another port (0 picks a free one).`,
        cause: error,
      },
    )
  }
  const why =
    systemErrorCode(error) === 'EACCES'
      ? 'this user may not use the port'
      : systemErrorCode(error) === 'EADDRNOTAVAIL' || systemErrorCode(error) === 'ENOTFOUND'
        ? 'this machine has no such address'
        : systemErrorCode(error) || 'the system refused'
  return new HeadwaterError(
    'HW_START_LISTEN_FAILED',
    `The ${options.name} cannot listen on ${where}: ${why}.`,
    { cause: error },
  )
}
