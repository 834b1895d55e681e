/**
 * Who a request comes from: the rightmost hop of `X-Forwarded-For` that no trusted proxy vouches
 * for. For throttling and for the loopback rule; never proof of identity.
 */

import { BlockList, SocketAddress, isIP, isIPv4 } from 'node:net'
import { HeadwaterError } from '../base/errors.ts'

/** Only this much of the header's end is read. */
export const FORWARDED_CHARS_MAX = 4096
/** And at most so many hops. */
export const FORWARDED_HOPS_MAX = 64

/** The trusted proxies of one listener. Immutable. */
export class ClientAddresses {
  readonly #trusted = new BlockList()
  readonly #trustsNobody: boolean

  /**
   * @param trustedProxies Addresses (`10.0.0.7`, `::1`) or CIDR ranges (`10.0.0.0/8`).
   * @throws HeadwaterError `HW_CONFIG_INVALID` that names every entry that is neither.
   */
  constructor(trustedProxies: readonly string[]) {
    const wrong = trustedProxies.filter((entry) => !addRange(this.#trusted, entry))
    if (wrong.length > 0) {
      throw new HeadwaterError(
        'HW_CONFIG_INVALID',
        `http.trustedProxies: not an address or a CIDR range: ${wrong.map((entry) => JSON.stringify(entry)).join(', ')}.`,
      )
    }
    this.#trustsNobody = trustedProxies.length === 0
  }

  /**
   * The client's address, canonical (a v4-mapped IPv6 address as IPv4, no zone).
   *
   * Walks the header from its right end while the hop before is trusted. A hop that is not an
   * address ends the walk: the proxy that reported it is the client. So does the bound of
   * {@link FORWARDED_CHARS_MAX} and {@link FORWARDED_HOPS_MAX}: whatever a client puts on the left
   * of a long header, the right end is what the trusted proxies wrote.
   */
  of(remoteAddress: string, xForwardedFor: string | undefined): string {
    let client = normaliseAddress(remoteAddress) ?? remoteAddress
    if (this.#trustsNobody || xForwardedFor === undefined || !this.#isTrusted(client)) return client
    // A cut through a hop leaves garbage or a shorter address at the far left: never read it.
    const start = Math.max(0, xForwardedFor.length - FORWARDED_CHARS_MAX)
    let end = xForwardedFor.length
    for (let hops = 0; hops < FORWARDED_HOPS_MAX && end >= start; hops++) {
      const comma = end === 0 ? -1 : xForwardedFor.lastIndexOf(',', end - 1)
      if (comma < start && start > 0) break
      const hop = parseHop(xForwardedFor.slice(comma + 1, end))
      if (hop === undefined) break
      client = hop
      if (!this.#isTrusted(client)) break
      end = comma
    }
    return client
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * Whether an address, canonical as {@link ClientAddresses.of} gives it, is in a range.
 *
 * @param range  An address or a CIDR range. @returns `undefined` when it is neither.
 */
export function compileAddressRange(range: string): ((address: string) => boolean) | undefined {
  const list = new BlockList()
  if (!addRange(list, range)) return undefined
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** Whether an address is this machine's own: 127.0.0.0/8, `::1`, or the former mapped to IPv6. */
export function isLoopback(address: string): boolean {
  const normal = normaliseAddress(address)
  return normal === '::1' || (normal !== undefined && isIPv4(normal) && normal.startsWith('127.'))
}

/**
 * What one client is assumed to hold: an IPv4 address, or the /64 of an IPv6 one (as
 * `2001:db8:0:1::/64`). Anything that is not an address is itself.
 */
export function networkOf(address: string): string {
  const normal = normaliseAddress(address)
  if (normal === undefined || isIPv4(normal)) return normal ?? address
  const [left = '', right] = normal.split('::')
  const groups = left === '' ? [] : left.split(':')
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':')
    // A dotted tail (`::1.2.3.4`) stands for two groups.
    const tailLength = tail.length + (tail.at(-1)?.includes('.') === true ? 1 : 0)
    while (groups.length + tailLength < 8) groups.push('0')
    groups.push(...tail)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}

function normaliseAddress(address: string): string | undefined {
  if (isIPv4(address)) return address
  const zone = address.indexOf('%')
  const bare = zone === -1 ? address : address.slice(0, zone)
  if (isIP(bare) !== 6) return undefined
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address
  return canonical.startsWith('::ffff:') && isIPv4(canonical.slice(7))
    ? canonical.slice(7)
    : canonical
}

/** `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443`. */
function parseHop(text: string): string | undefined {
  const hop = text.trim()
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)
  if (bracketed?.[1] !== undefined) return normaliseAddress(bracketed[1])
  const withPort = /^([\d.]+):\d{1,5}$/.exec(hop)
  return normaliseAddress(withPort?.[1] ?? hop)
}

function addRange(list: BlockList, entry: string): boolean {
  const [address = '', prefixText, ...more] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return false
  const bitsMax = family === 4 ? 32 : 128
  const bits = prefixText === undefined ? bitsMax : Number(prefixText)
  if (prefixText !== undefined && (!/^\d{1,3}$/.test(prefixText) || bits > bitsMax)) return false
  const mapped = normaliseAddress(address)
  if (mapped !== undefined && family === 6 && isIPv4(mapped)) {
    if (bits < 96) return false
    list.addSubnet(mapped, bits - 96, 'ipv4')
  } else {
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return true
}
