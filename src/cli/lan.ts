/** `--lan`: this machine's addresses on its network, and the settings that listen there. */

import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { NetworkInterfaceInfo } from 'node:os'
import { isLoopback } from '../auth/client-address.ts'
import type { ResolvedConfig } from '../config/resolve.ts'
import type { Config } from '../config/schema.ts'
import { usageError } from './command.ts'

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** IPv4 addresses that others reach, private ones first: phones in the same network are meant. */
export function lanAddresses(interfaces: Interfaces = networkInterfaces()): readonly string[] {
  const addresses = Object.entries(interfaces)
    .flatMap(([name, infos = []]) => infos.map((info) => ({ name, ...info })))
    .filter(({ family, internal, address }) => {
      return family === 'IPv4' && !internal && !address.startsWith('169.254.')
    })
  const rank = ({ name, address }: { readonly name: string; readonly address: string }) =>
    (isPrivate(address) ? 0 : 2) + (isVirtual(name) ? 1 : 0)
  return addresses.sort((a, b) => rank(a) - rank(b)).map(({ address }) => address)
}

function isPrivate(address: string): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(address)
}

/** Bridges of containers and virtual machines, which phones do not reach. */
function isVirtual(name: string): boolean {
  return /^(?:docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|vEthernet)/i.test(name)
}

/**
 * The settings with `--lan`: the data plane on every address, `http.publicUrl` on the network's.
 * The admin plane stays where it is.
 *
 * @throws HeadwaterError `HW_CLI_USAGE` when a loopback host is asked for as well.
 */
export async function withLan(
  { config, sources }: ResolvedConfig,
  addresses: readonly string[],
): Promise<Config> {
  const hostSource = sources.get('http.host') ?? 'default'
  const isChosen = hostSource !== 'default'
  if (isChosen && (config.http.host === 'localhost' || isLoopback(config.http.host))) {
    throw usageError(`--lan listens on the network, but http.host is ${config.http.host}.`, [
      `Leave one of them out (${hostSource}).`,
    ])
  }
  const host = isChosen ? config.http.host : '*'
  // The public URL is settled before anything listens, so a free port is chosen here.
  const port = config.http.port === 0 ? await freePort() : config.http.port
  const [address] = addresses
  const lanUrl = address === undefined ? '' : `http://${address}:${port}`
  return {
    ...config,
    http: { ...config.http, host, port, publicUrl: config.http.publicUrl || lanUrl },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
