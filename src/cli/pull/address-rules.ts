/**
 * Which addresses a pull may connect to. A playlist names URLs, so whoever writes it chooses what this
 * machine asks for: what only this machine or its network can reach is refused unless it was allowed.
 * Addresses only; names are resolved by `guarded-lookup.ts`, at the moment of the connection.
 */

import { BlockList, isIP, isIPv4 } from 'node:net'

/** `undefined`: the address may be connected to; otherwise what it is, in words. */
export type AddressVerdict = string | undefined

export interface AddressRulesOptions {
  /** Loopback, private networks, carrier-grade NAT and unique local addresses are fine. */
  readonly allowPrivate: boolean
  /** `10.1.0.0/16`, `::1`: fine whatever they are. Checked by {@link isCidr}. */
  readonly allowed: readonly string[]
}

type Range = readonly [cidr: string, words: string]

/** Where clouds keep credentials of the machine: private networks being allowed does not open them. */
const METADATA: readonly Range[] = [
  ['169.254.0.0/16', 'a link-local address'],
  ['100.100.100.200/32', 'a metadata service'],
  ['192.0.0.192/32', 'a metadata service'],
  ['fd00:ec2::/32', 'a metadata service'],
  ['fe80::/10', 'a link-local address'],
]

/** What `--allow-private` opens. */
const PRIVATE: readonly Range[] = [
  ['127.0.0.0/8', 'this machine'],
  ['10.0.0.0/8', 'a private address'],
  ['172.16.0.0/12', 'a private address'],
  ['192.168.0.0/16', 'a private address'],
  ['100.64.0.0/10', 'an address behind carrier-grade NAT'],
  ['::1/128', 'this machine'],
  ['fc00::/7', 'a private address'],
]

/** The rest of the registries of special-purpose addresses (RFC 6890, RFC 8190). */
const SPECIAL: readonly Range[] = [
  ['0.0.0.0/8', 'an address of this network'],
  ['192.0.0.0/24', 'a protocol assignment'],
  ['192.0.2.0/24', 'an address for documentation'],
  ['192.88.99.0/24', 'a 6to4 relay'],
  ['198.18.0.0/15', 'an address for benchmarks'],
  ['198.51.100.0/24', 'an address for documentation'],
  ['203.0.113.0/24', 'an address for documentation'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'a reserved address'],
  // IPv6 by what is global: 2000::/3 is all that was ever given out; the rest is listed for its words.
  ['::/128', 'an address of this network'],
  ['::ffff:0:0/96', 'an IPv4-mapped address'],
  ['::/96', 'an IPv4-compatible address'],
  ['64:ff9b::/96', 'an address behind NAT64'],
  ['64:ff9b:1::/48', 'an address behind NAT64'],
  ['100::/64', 'a discard-only address'],
  ['2001::/32', 'a Teredo address'],
  ['2001::/23', 'a protocol assignment'],
  ['2001:db8::/32', 'an address for documentation'],
  ['2002::/16', 'a 6to4 address'],
  ['3fff::/20', 'an address for documentation'],
  ['5f00::/16', 'a segment-routing address'],
  ['fec0::/10', 'a site-local address'],
  ['ff00::/8', 'a multicast address'],
]

/** Decides by ranges. Stateless but for its options. */
export class AddressRules {
  readonly #allowsPrivate: boolean
  readonly #allowed: readonly NamedRange[]

  constructor({ allowPrivate, allowed }: AddressRulesOptions) {
    this.#allowsPrivate = allowPrivate
    this.#allowed = toRanges(allowed.map((cidr) => [cidr, '']))
  }

  /** @param address  As `isIP` takes it; a zone (`fe80::1%eth0`) may follow. */
  check(address: string): AddressVerdict {
    const [plain = ''] = address.split('%', 1)
    if (isIP(plain) === 0) return 'no address'
    const carried = carriedIpv4(plain)
    // A prefix that carries IPv4 says nothing of where it leads: both have to be fine.
    const inner = carried === undefined ? undefined : this.#checkOne(carried)
    return inner ?? this.#checkOne(plain)
  }

  #checkOne(address: string): AddressVerdict {
    if (find(this.#allowed, address) !== undefined) return undefined
    const metadata = find(METADATA_RANGES, address)
    if (metadata !== undefined) return metadata
    const own = find(PRIVATE_RANGES, address)
    if (own !== undefined) return this.#allowsPrivate ? undefined : own
    const special = find(SPECIAL_RANGES, address)
    if (special !== undefined) return special
    if (isIPv4(address) || find(GLOBAL_IPV6, address) !== undefined) return undefined
    return 'a reserved address'
  }
}

/** `address` or `address/prefix` of either family. */
export function isCidr(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsOf(address))
}

/** The IPv4 address in a mapped, compatible, NAT64, 6to4 or Teredo one. */
function carriedIpv4(address: string): string | undefined {
  if (isIPv4(address)) return undefined
  const groups = groupsOf(address)
  const at = (index: number, mask = 0): string => {
    const [high = 0, low = 0] = [groups[index], groups[index + 1]]
    const bytes = [high >> 8, high & 0xff, low >> 8, low & 0xff]
    return bytes.map((byte) => byte ^ mask).join('.')
  }
  const [first, second] = groups
  if (groups.slice(0, 5).every((group) => group === 0)) {
    const isLow = groups[5] === 0 && groups[6] === 0 && (groups[7] ?? 0) <= 1
    return !isLow && (groups[5] === 0xffff || groups[5] === 0) ? at(6) : undefined
  }
  if (first === 0x64 && second === 0xff9b) return at(6)
  if (first === 0x2002) return at(1)
  // Teredo (RFC 4380 §4): the client's address is inverted.
  if (first === 0x2001 && second === 0) return at(6, 0xff)
  return undefined
}

/** Eight numbers; the address is known to be IPv6. */
function groupsOf(address: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text =
    dotted === null
      ? address
      : `${dotted[1]}${toGroup(dotted[2], dotted[3])}:${toGroup(dotted[4], dotted[5])}`
  const [head = '', tail] = text.split('::')
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const start = parse(head)
  if (tail === undefined) return start
  const end = parse(tail)
  return [...start, ...Array<number>(Math.max(0, 8 - start.length - end.length)).fill(0), ...end]
}

function toGroup(high = '0', low = '0'): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}

function bitsOf(address: string): number {
  return isIPv4(address) ? 32 : 128
}

interface NamedRange {
  readonly family: 'ipv4' | 'ipv6'
  readonly list: BlockList
  readonly words: string
}

function toRanges(ranges: readonly Range[]): readonly NamedRange[] {
  return ranges.map(([cidr, words]) => {
    const [address = '', prefix] = cidr.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    const list = new BlockList()
    list.addSubnet(address, prefix === undefined ? bitsOf(address) : Number(prefix), family)
    return { family, list, words }
  })
}

/** By family: Node compares mapped addresses across them, and then a rule says what it does not mean. */
function find(ranges: readonly NamedRange[], address: string): string | undefined {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  return ranges.find((range) => range.family === family && range.list.check(address, family))?.words
}

const METADATA_RANGES = toRanges(METADATA)
const PRIVATE_RANGES = toRanges(PRIVATE)
const SPECIAL_RANGES = toRanges(SPECIAL)
const GLOBAL_IPV6 = toRanges([['2000::/3', 'global']])
