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
  /** Name of the primary that the hosts, which are Sentinels then, know; `undefined` without. */
  readonly sentinelName: string | undefined
}

const PORT_DEFAULT = 6379
const SENTINEL_PORT_DEFAULT = 26_379
const HOSTS_MAX = 64

/** `undefined` when the text is not such a URL. A percent-encoded user or password is decoded. */
export function parseValkeyUrl(text: string): ValkeyAddress | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, tls = '', userInfo = '', hostList = '', database = '', query = ''] = match
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) if (name !== 'sentinel') return undefined
  const sentinelName = parameters.get('sentinel') ?? undefined
  if (sentinelName === '') return undefined
  const portDefault = sentinelName === undefined ? PORT_DEFAULT : SENTINEL_PORT_DEFAULT
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
    sentinelName,
  }
}

/** Without user and password: for logs and messages. */
export function formatValkeyAddress(address: ValkeyAddress): string {
  const { tls, hosts, database, sentinelName } = address
  const list = hosts.map(({ host, port }) => `${bracketed(host)}:${port}`).join(',')
  const query = sentinelName === undefined ? '' : `?sentinel=${sentinelName}`
  return `valkey${tls ? 's' : ''}://${list}/${database}${query}`
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
