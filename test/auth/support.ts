/** A registry in memory, an authenticator and a key service over it, one secret, one clock. */

import { CompactSign } from 'jose'
import { Authenticator } from '../../src/auth/authenticator.ts'
import type { AuthenticatorOptions } from '../../src/auth/authenticator.ts'
import { KeyRegistry } from '../../src/auth/key-registry.ts'
import type { KeyRecordsFile } from '../../src/auth/key-registry.ts'
import { KeyService } from '../../src/auth/key-service.ts'
import { SigningKeys } from '../../src/auth/signing-keys.ts'
import type { TokenPurpose } from '../../src/auth/signing-keys.ts'
import { ManualClock } from '../support/manual-clock.ts'

export const SECRET = Buffer.alloc(32, 7)
export const OTHER_SECRET = Buffer.alloc(32, 8)
export const CLIENT = '192.0.2.1'

/** Keeps the document as the text a file would hold. */
export class MemoryRecords implements KeyRecordsFile {
  text: string | undefined
  writeCount = 0
  failure: Error | undefined

  async read(): Promise<unknown> {
    return this.text === undefined ? undefined : JSON.parse(this.text)
  }

  async write(value: unknown): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.failure !== undefined) throw this.failure
    this.writeCount++
    this.text = JSON.stringify(value)
  }
}

export interface Setup {
  readonly clock: ManualClock
  readonly records: MemoryRecords
  readonly keys: KeyRegistry
  readonly authenticator: Authenticator
  readonly service: KeyService
}

export async function openAuth(
  options: Partial<AuthenticatorOptions> & { records?: MemoryRecords } = {},
): Promise<Setup> {
  const { records = new MemoryRecords(), secret = SECRET, ...rest } = options
  // The tests pass a manual clock or none.
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock()
  const keys = options.keys ?? (await KeyRegistry.open({ records, clock }))
  const authenticator = new Authenticator({
    devKeys: false,
    failuresPerSecondMax: 10,
    failuresBurst: 5,
    ...rest,
    secret,
    keys,
    clock,
  })
  const publicUrl = () => 'http://localhost:8080'
  return {
    clock,
    records,
    keys,
    authenticator,
    service: new KeyService({ secret, keys, clock, publicUrl }),
  }
}

/** A token with any header, signed by the key of any purpose. */
export async function forge(
  header: { alg: string; [name: string]: unknown },
  claims: object,
  purpose: TokenPurpose = 'data',
  secret: Uint8Array = SECRET,
): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(await new SigningKeys(secret).get(purpose))
}
