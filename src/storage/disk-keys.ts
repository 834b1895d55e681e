/** Keys of the disk store's tables, as bytes that sort as they should. */

import type { StoreKey } from '../base/names.ts'

export const NO_KEY = Buffer.alloc(0)
/** Every key. */
export const ALL = { start: NO_KEY, end: Buffer.from([0xff]) }

/** A store key is a byte string. */
export function bytesOf(storeKey: string): Buffer {
  return Buffer.from(storeKey, 'latin1')
}

export function toStoreKeyOf(key: Buffer): StoreKey {
  // Only keys that were store keys are written.
  return key.toString('latin1') as StoreKey
}

/** From `start` to the end of a prefix. A key has at most 1,280 bytes, so this one is behind all. */
export function rangeOf(start: string, prefix: string): { start: Buffer; end: Buffer } {
  return { start: bytesOf(start), end: bytesOf(prefix + '\xff'.repeat(1281 - prefix.length)) }
}

/** Of the expiry table: the deadline, ms since the Unix epoch, and the key; in order of time. */
export function expiryOf(key: Buffer, expiresAtMs: number): Buffer {
  const expiry = Buffer.allocUnsafe(8 + key.length)
  expiry.writeBigUInt64BE(BigInt(Math.max(0, Math.ceil(expiresAtMs))), 0)
  key.copy(expiry, 8)
  return expiry
}
