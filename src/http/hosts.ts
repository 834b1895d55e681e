/** Host names of requests: which ones cannot be a rebound DNS name. */

import { isIP } from 'node:net'

/** `Host` (or an origin's authority) without its port, lower case, IPv6 without brackets. */
export function hostName(host: string): string {
  const match = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? /^([^:]*)(?::\d*)?$/.exec(host)
  return (match?.[1] ?? '').toLowerCase()
}

/** localhost, *.localhost (RFC 6761), 127.0.0.0/8, ::1. */
export function isLoopbackHost(host: string): boolean {
  const name = hostName(host)
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  return name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** An address literal cannot be rebound: a page's own host is always the name it was loaded from. */
export function isAddressHost(host: string): boolean {
  return isIP(hostName(host)) !== 0
}
