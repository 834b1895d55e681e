/**
 * The address of Valkey or Redis, as one URL: `valkey://user:password@host:6379/0`. Also for several
 * hosts, which `new URL` cannot read.
 */

/** `redis`, `valkey`, both with an `s` for TLS. */
const FORM =
  /^(?:redis|valkey)(s?):\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/(\d{0,5}))?(?:\?([A-Za-z0-9_=&.%~-]*))?$/

export interface ValkeyHost {
  readonly host: string
  readonly port: number
}

export interface ValkeyAddress {
  readonly tls: boolean
  /** '' for the default user. */
  readonly username: string
  readonly password: string
  /** One; several of a cluster or several Sentinels. At least one. */
  readonly hosts: readonly [ValkeyHost, ...ValkeyHost[]]
  /** Number of the database; 0 in a cluster. */
  readonly database: number
  /** The hosts are Sentinels then; `undefined` without. */
  readonly sentinel: SentinelAddress | undefined
}

/** How Sentinels are asked, and for whom. */
export interface SentinelAddress {
  /** What they call the primary. */
  readonly name: string
  /** Of the Sentinels themselves; '' without. */
  readonly username: string
  readonly password: string
  readonly tls: boolean
}

const PORT_DEFAULT = 6379
const SENTINEL_PORT_DEFAULT = 26_379
const HOSTS_MAX = 64
const SENTINEL_PARAMETERS: ReadonlySet<string> = new Set([
  'sentinel',
  'sentinelUsername',
  'sentinelPassword',
  'sentinelTls',
])

/** `undefined` when the text is not such a URL. A percent-encoded user or password is decoded. */
export function parseValkeyUrl(text: string): ValkeyAddress | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, tls = '', userInfo = '', hostList = '', database = '', query = ''] = match
  const sentinel = parseSentinel(query, tls === 's')
  if (sentinel === 'invalid') return undefined
  const portDefault = sentinel === undefined ? PORT_DEFAULT : SENTINEL_PORT_DEFAULT
  const hosts = hostList.split(',').map((host) => parseHost(host, portDefault))
  const [first, ...others] = hosts.filter((host) => host !== undefined)
  if (first === undefined || others.length !== hosts.length - 1 || hosts.length > HOSTS_MAX) {
    return undefined
  }
  const colon = userInfo.indexOf(':')
  const username = decode(colon === -1 ? userInfo : userInfo.slice(0, colon))
  const password = decode(colon === -1 ? '' : userInfo.slice(colon + 1))
  if (username === undefined || password === undefined) return undefined
  return {
    tls: tls === 's',
    username,
    password,
    hosts: [first, ...others],
    database: Number(database),
    sentinel,
  }
}

/** Without user and password: for logs and messages. */
export function formatValkeyAddress(address: ValkeyAddress): string {
  const { tls, hosts, database, sentinel } = address
  const list = hosts.map(({ host, port }) => `${bracketed(host)}:${port}`).join(',')
  const query = sentinel === undefined ? '' : `?sentinel=${sentinel.name}`
  return `valkey${tls ? 's' : ''}://${list}/${database}${query}`
}

/** `undefined` without. All that is known about them is in the query. */
function parseSentinel(query: string, tls: boolean): SentinelAddress | 'invalid' | undefined {
  if (query === '') return undefined
  const parameters = new URLSearchParams(query)
  const names = [...parameters.keys()]
  const isKnown = names.every((name) => SENTINEL_PARAMETERS.has(name))
  if (!isKnown || new Set(names).size !== names.length) return 'invalid'
  const name = parameters.get('sentinel') ?? ''
  const tlsText = parameters.get('sentinelTls') ?? (tls ? 'yes' : 'no')
  // What a Sentinel takes as a name.
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(name) || !/^(?:yes|no)$/.test(tlsText)) return 'invalid'
  return {
    name,
    username: parameters.get('sentinelUsername') ?? '',
    password: parameters.get('sentinelPassword') ?? '',
    tls: tlsText === 'yes',
  }
}

function parseHost(text: string, portDefault: number): ValkeyHost | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,255}))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const [, ipv6, name, portText] = match
  const port = portText === undefined ? portDefault : Number(portText)
  const host = ipv6 ?? name
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
