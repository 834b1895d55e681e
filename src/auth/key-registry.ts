/**
 * The keys this server knows: who they are for, what they allow, which are revoked. Holds no
 * credential, only hashes of imported ones. What it is kept in is the caller's (`records`).
 *
 * A minted key whose id is not here is still accepted when its signature is right: the signature
 * proves that this secret made it and the claims say what it allows. So a registry that is restored
 * from an older copy, or shared late, locks nobody out; only its revocations are missing, and can be
 * made again without the record ({@link KeyRegistry.revokeUnknown}).
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { parseKeyDocument, toKeyDocument, withoutHashes } from './key-record.ts'
import type { KeyDocument, KeyRecord, Revocation, StoredKeyRecord } from './key-record.ts'

/** Keys that one registry holds, revoked ones included. */
export const KEYS_MAX = 10_000

/**
 * How long a record outlives its key's expiry. A record must be there until then, since a revoked
 * key must stay refused; the margin is for a wall clock that jumped ahead while it was written.
 */
export const EXPIRED_RECORD_KEPT_MS = 30 * 24 * 3600 * 1000

/** Revocations of what has no record, at most. */
export const REVOCATIONS_MAX = 10_000

/** Tokens that share an id live 25 hours at most; a revocation of them is kept a little longer. */
const TOKEN_REVOCATION_KEPT_MS = 48 * 3600 * 1000

/** Where the document lives. `read` gives `undefined` when there is none; `write` replaces it whole. */
export interface KeyRecordsFile {
  read(): Promise<unknown>
  /** `'conflict'` when another process has written since the last read: nothing is written then. */
  write(value: unknown): Promise<unknown>
  /** Tells when another process has, or may have, written; absent where none can. */
  subscribe?(listener: () => void): () => void
}

/** Another process was quicker, again and again. */
class WriteConflict extends Error {}

const WRITE_ATTEMPTS_MAX = 10

export interface KeyRegistryOptions {
  readonly records: KeyRecordsFile
  readonly clock: Clock
}

export class KeyRegistry {
  readonly #file: KeyRecordsFile
  readonly #clock: Clock
  readonly #byId = new Map<string, StoredKeyRecord>()
  readonly #byHash = new Map<string, StoredKeyRecord>()
  readonly #revocations = new Map<string, Revocation>()
  /** Writes happen one after the other, each with the whole document. */
  #lastWrite: Promise<void> = Promise.resolve()
  #unwrittenRevocations = false
  #epoch = 0
  #version = 0

  private constructor(options: KeyRegistryOptions, { keys, revocations }: KeyDocument) {
    this.#file = options.records
    this.#clock = options.clock
    for (const record of keys) this.#index(record)
    for (const revocation of revocations) this.#revocations.set(revocation.keyId, revocation)
  }

  /**
   * Reads the records; writes nothing.
   *
   * @throws HeadwaterError `HW_DATA_DIR_CORRUPT` that names the record; whatever `read` throws.
   */
  static async open(options: KeyRegistryOptions): Promise<KeyRegistry> {
    const { records } = options
    const registry = new KeyRegistry(options, parseKeyDocument(await records.read()))
    records.subscribe?.(() => {
      // Ignored: what cannot be read now is told of again when it can.
      void registry.#serialise(() => registry.#reload()).catch(() => undefined)
    })
    return registry
  }

  /** Moves at every revocation; what was verified before must be looked at again. */
  get epoch(): number {
    return this.#epoch
  }

  /** Moves at every change; what was refused before may be known now. */
  get version(): number {
    return this.#version
  }

  /** Oldest first. */
  list(): readonly KeyRecord[] {
    return [...this.#byId.values()].map(withoutHashes)
  }

  get(keyId: string): KeyRecord | undefined {
    const record = this.#byId.get(keyId)
    return record === undefined ? undefined : withoutHashes(record)
  }

  has(keyId: string): boolean {
    return this.#byId.has(keyId)
  }

  isRevoked(keyId: string): boolean {
    return this.revokedAtMs(keyId) !== undefined
  }

  /** When an id was revoked, whether or not it has a record; `undefined`: it is not. */
  revokedAtMs(keyId: string): number | undefined {
    return this.#byId.get(keyId)?.revokedAtMs ?? this.#revocations.get(keyId)?.revokedAtMs
  }

  /** The imported key that a credential is, revoked and expired ones too. One SHA-256, if any. */
  findImported(credential: string): KeyRecord | undefined {
    if (this.#byHash.size === 0) return undefined
    const hash = hashCredential(credential)
    const record = this.#byHash.get(hash)
    // The index finds a candidate; what grants is a comparison whose time tells nothing.
    return record?.credentialSha256.some((known) => isSameHash(known, hash)) === true
      ? record
      : undefined
  }

  /**
   * Adds a key; it is there, and accepted, once it is written.
   *
   * @param record `revokedAtMs` and `credentialSha256` as in {@link StoredKeyRecord}.
   * @throws HeadwaterError `HW_KEY_EXISTS`, `HW_KEY_INVALID` (too many); whatever `write` throws,
   * and then nothing was added.
   */
  add(record: StoredKeyRecord): Promise<void> {
    return this.#serialise(() =>
      this.#despiteOthers(async () => {
        this.#refuseKnown(record)
        await this.#write([...this.#byId.values(), record])
        this.#index(record)
        this.#version++
      }),
    )
  }

  /**
   * Revokes a key. It holds at once, before it is written; when it cannot be written it still holds
   * until the process ends, and the call throws so that somebody knows. A second time is no error.
   *
   * @throws HeadwaterError `HW_KEY_NOT_FOUND`; whatever `write` throws.
   */
  async revoke(keyId: string): Promise<KeyRecord> {
    const record = this.#byId.get(keyId)
    if (record === undefined) {
      // The id is not repeated: people paste the key itself here.
      throw new HeadwaterError('HW_KEY_NOT_FOUND', 'There is no key with this id.')
    }
    let revoked = record
    if (record.revokedAtMs === undefined) {
      revoked = { ...record, revokedAtMs: this.#clock.nowMs() }
      this.#index(revoked)
      this.#epoch++
      this.#version++
      this.#unwrittenRevocations = true
    }
    await this.#writeRevocations()
    return withoutHashes(revoked)
  }

  /**
   * Revokes what has no record here: a key of ours that another registry held, or the tokens of an id
   * with a colon (see {@link Revocation}), for which a second time moves the moment. Holds at once, as
   * {@link revoke} does.
   *
   * @param keyId  Matches `REVOCABLE_ID`.
   * @throws HeadwaterError `HW_KEY_INVALID` when there are {@link REVOCATIONS_MAX}; whatever `write`
   * throws.
   */
  async revokeUnknown(keyId: string): Promise<Revocation> {
    const known = this.#revocations.get(keyId)
    let revocation = known
    if (revocation === undefined || keyId.includes(':')) {
      if (known === undefined && this.#revocations.size >= REVOCATIONS_MAX) {
        throw new HeadwaterError(
          'HW_KEY_INVALID',
          `There are ${REVOCATIONS_MAX} revocations of keys without a record, the most there can be.`,
        )
      }
      revocation = { keyId, revokedAtMs: this.#clock.nowMs() }
      this.#revocations.set(keyId, revocation)
      this.#epoch++
      this.#version++
      this.#unwrittenRevocations = true
    }
    await this.#writeRevocations()
    return revocation
  }

  #index(record: StoredKeyRecord): void {
    this.#byId.set(record.keyId, record)
    for (const hash of record.credentialSha256) this.#byHash.set(hash, record)
  }

  #refuseKnown(record: StoredKeyRecord): void {
    if (this.#byId.has(record.keyId)) {
      throw new HeadwaterError('HW_KEY_EXISTS', `There is a key with the id "${record.keyId}".`)
    }
    if (this.#revocations.has(record.keyId)) {
      throw new HeadwaterError('HW_KEY_EXISTS', `The id "${record.keyId}" is revoked.`)
    }
    for (const hash of record.credentialSha256) {
      const known = this.#byHash.get(hash)
      if (known === undefined) continue
      const state = known.revokedAtMs === undefined ? '' : ', and is revoked'
      throw new HeadwaterError(
        'HW_KEY_EXISTS',
        `This credential was imported as key "${known.keyId}"${state}.`,
      )
    }
    if (this.#byId.size >= KEYS_MAX) {
      throw new HeadwaterError(
        'HW_KEY_INVALID',
        `There are ${KEYS_MAX} keys, the most there can be.`,
      )
    }
  }

  #writeRevocations(): Promise<void> {
    return this.#serialise(() =>
      this.#despiteOthers(async () => {
        if (this.#unwrittenRevocations) await this.#write([...this.#byId.values()])
      }),
    )
  }

  /** Begins again on what another process has written meanwhile. */
  async #despiteOthers(job: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await job()
      } catch (error) {
        if (!(error instanceof WriteConflict) || attempt === WRITE_ATTEMPTS_MAX) throw error
        await this.#reload()
      }
    }
  }

  /** Takes over what is written, but no revocation back: one that is not written yet holds, too. */
  async #reload(): Promise<void> {
    const { keys, revocations } = parseKeyDocument(await this.#file.read())
    const before = new Map(this.#byId)
    this.#byId.clear()
    this.#byHash.clear()
    for (const record of keys) {
      const revokedAtMs = record.revokedAtMs ?? before.get(record.keyId)?.revokedAtMs
      this.#index(revokedAtMs === undefined ? record : { ...record, revokedAtMs })
    }
    for (const revocation of revocations) {
      const known = this.#revocations.get(revocation.keyId)
      if (known !== undefined && known.revokedAtMs >= revocation.revokedAtMs) continue
      this.#revocations.set(revocation.keyId, revocation)
    }
    this.#epoch++
    this.#version++
  }

  #serialise(job: () => Promise<void>): Promise<void> {
    const done = this.#lastWrite.then(job)
    // Ignored: whoever asked for the job gets its failure; the next one starts either way.
    this.#lastWrite = done.catch(() => undefined)
    return done
  }

  /** Leaves out what expired long ago; memory follows the file. */
  async #write(records: readonly StoredKeyRecord[]): Promise<void> {
    const keptAfterMs = this.#clock.nowMs() - EXPIRED_RECORD_KEPT_MS
    const isKept = ({ expiresAtMs }: KeyRecord) =>
      expiresAtMs === undefined || expiresAtMs > keptAfterMs
    const hadUnwritten = this.#unwrittenRevocations
    // A revocation that arrives during the write sets it again, and its own write follows.
    this.#unwrittenRevocations = false
    try {
      const revocations = [...this.#revocations.values()].filter((each) => this.#isNeeded(each))
      const document = toKeyDocument({ keys: records.filter(isKept), revocations })
      if ((await this.#file.write(document)) === 'conflict') throw new WriteConflict()
    } catch (error) {
      this.#unwrittenRevocations ||= hadUnwritten
      throw error
    }
    for (const record of records) {
      if (isKept(record)) continue
      this.#byId.delete(record.keyId)
      for (const hash of record.credentialSha256) this.#byHash.delete(hash)
    }
    for (const revocation of this.#revocations.values()) {
      if (!this.#isNeeded(revocation)) this.#revocations.delete(revocation.keyId)
    }
  }

  /** Whether what it revokes could still be presented: a key without a record always may. */
  #isNeeded({ keyId, revokedAtMs }: Revocation): boolean {
    return !keyId.includes(':') || this.#clock.nowMs() < revokedAtMs + TOKEN_REVOCATION_KEPT_MS
  }
}

/** The hash an imported credential is known by. */
export function hashCredential(credential: string): string {
  return createHash('sha256').update(credential, 'utf8').digest('hex')
}

function isSameHash(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1'))
}
