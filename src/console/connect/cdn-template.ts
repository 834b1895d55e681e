/**
 * The CDN configurations of `docker/cdn`, filled in as `render.sh` does it: the same parameters, the
 * same check of what may not end a string in them. Pure.
 */

import { PLAYER_KEY } from './connect-target.ts'
import type { ConnectTarget } from './connect-target.ts'

/** Texts of `docker/`, as they are. */
export interface CdnFiles {
  readonly varnish: string
  readonly nginx: string
  readonly cloudFront: string
}

export interface OriginAddress {
  readonly scheme: 'http' | 'https'
  /** A name or an address; IPv6 in brackets. */
  readonly host: string
  readonly port: string
}

export function originAddress(dataPlaneUrl: string): OriginAddress {
  const { protocol, hostname, port } = new URL(dataPlaneUrl)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return { scheme, host: hostname, port: port === '' ? (scheme === 'https' ? '443' : '80') : port }
}

/** A key that could end a string is left to whoever has it: its placeholder stays. */
export function fillTemplate(template: string, target: ConnectTarget): string {
  const { scheme, host, port } = originAddress(target.dataPlaneUrl)
  const isPlain = /^[A-Za-z0-9._:/+=@~-]+$/.test(target.playerKey)
  const values: Readonly<Record<string, string>> = {
    ORIGIN_HOST: host,
    ORIGIN_PORT: port,
    ORIGIN_SCHEME: scheme,
    ORIGIN_CA_FILE: '/etc/ssl/certs/ca-certificates.crt',
    CACHE_NAME: target.cacheName,
    // In a regular expression a dot is any character.
    CACHE_PATTERN: target.cacheName.replaceAll('.', '[.]'),
    LISTEN: '8000',
    // One origin; render.sh has the other values.
    ORIGIN_B_SERVER: '',
    NEXT_UPSTREAM: 'error timeout',
    CONNECT_SECONDS: '5',
    PLAYER_KEY: isPlain ? target.playerKey : PLAYER_KEY,
  }
  return template.replace(/@([A-Z_]+)@/g, (whole, name: string) => values[name] ?? whole)
}
