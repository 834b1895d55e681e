/**
 * Name resolution that hands out only addresses which may be connected to. The socket connects to what
 * comes from here and resolves nothing again, so a name that changes between two questions (DNS
 * rebinding) gains nothing.
 */

import { lookup as systemLookup } from 'node:dns'
import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { AddressRules } from './address-rules.ts'

/** All addresses of a name. Injected by tests. */
export type ResolveAll = (
  hostname: string,
  options: LookupOptions,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void

/** A host that resolves to nothing but what is refused. Its message is for people. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

export const systemResolve: ResolveAll = (hostname, options, done) => {
  systemLookup(hostname, { ...options, all: true }, done)
}

/** For `lookup` of a socket: as Node's own, without what the rules refuse. */
export function guardedLookup(rules: AddressRules, resolve: ResolveAll): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const fine = addresses.filter(({ address }) => rules.check(address) === undefined)
      const [first] = fine
      if (first === undefined) {
        const verdict = rules.check(addresses[0]?.address ?? '') ?? 'no address'
        return callback(new AddressRefused(`its address is ${verdict}`), [])
      }
      if (options.all === true) callback(null, [...fine])
      else callback(null, first.address, first.family)
    })
  }
}
