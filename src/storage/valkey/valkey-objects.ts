/**
 * Objects in Valkey: one question or command for each thing that a store does. Remembers nothing;
 * what is remembered, and for how long, is `valkey-store.ts`'s.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { splitStoreKey } from '../../base/names.ts'
import type { CacheName, StoreKey } from '../../base/names.ts'
import type { AttachmentCodec } from '../attachment-codec.ts'
import type { CacheTotal } from '../cache-totals.ts'
import type { StoredItem } from '../store.ts'
import { allTags, chunkNameOf, objectNameOf, tagOf, uploadNameOf } from './valkey-keys.ts'
import { ValkeyFullError } from './valkey-link.ts'
import type { Argument, ValkeyLink } from './valkey-link.ts'
import { decodeValkeyRecord, encodeValkeyRecord } from './valkey-record.ts'
import {
  DELETE,
  DELETE_WHOLE,
  DESCRIBE,
  EXTEND,
  LIST,
  PLAYLISTS,
  PUT,
  READ,
  UPKEEP,
} from './valkey-scripts.ts'
import { parseUsage } from './valkey-totals.ts'

export interface ValkeyObjectsOptions {
  readonly link: ValkeyLink
  readonly clock: Clock
  readonly attachments: AttachmentCodec
  /** Instead of the engine's clock: for tests that have one of their own. */
  readonly engineNowMs?: (() => number) | undefined
}

export interface PutReply {
  readonly tag: string
  readonly total: CacheTotal
  /** Without its body; `undefined` when nothing was there. */
  readonly replaced: StoredItem | undefined
}

/** What a question found. `'uploading'`: nothing yet, and a node has announced an upload of it. */
export type Found = StoredItem | 'uploading' | undefined

/** A larger body is cut, so that no command holds up the others for long. */
export const CHUNK_BYTES_MAX = 512 * 1024
/** How long the chunks of an unfinished write stay. */
const UNFINISHED_MS = 60_000
const READ_ATTEMPTS_MAX = 4
const UPKEEP_BATCH = 500
/** With a clock of a test the engine's own must not interfere. */
const GRACE_MS = 86_400_000

export class ValkeyObjects {
  readonly #options: ValkeyObjectsOptions

  constructor(options: ValkeyObjectsOptions) {
    this.#options = options
  }

  /**
   * Body and metadata at once.
   *
   * @throws ValkeyFullError; HeadwaterError `HW_STORE_UNAVAILABLE`: it may have been stored then.
   */
  async put(item: StoredItem): Promise<PutReply> {
    const { attachments } = this.#options
    const { storeKey, sizeBytes } = item
    const tag = tagOf(storeKey)
    const { cacheName } = splitStoreKey(storeKey)
    const ttlMs = this.#ttlMs(item.expiresAtMonotonicMs)
    const versionId = randomBytes(9).toString('base64url')
    const body = wholeBody(item)
    const isCut = body.length > CHUNK_BYTES_MAX
    const chunkCount = isCut ? await this.#putChunks(tag, versionId, body, ttlMs) : 0
    const keptMs = ttlMs + this.#graceMs
    const name = objectNameOf(tag, storeKey)
    const record = encodeValkeyRecord(item, attachments.toText(item))
    const reply = await this.#transact(
      PUT,
      tag,
      [bytesOf(storeKey), cacheName, ttlMs, keptMs, sizeBytes, versionId, chunkCount, item.kind],
      [
        ['hset', name, 'r', record, 'i', versionId, 'n', chunkCount, 'b', isCut ? '' : body],
        ['pexpire', name, keptMs],
        // Whatever was announced has come.
        ['unlink', uploadNameOf(tag, storeKey)],
      ],
    )
    // Scripts of ours answer as they were written.
    const [itemCount, bytes, before] = reply as readonly [Buffer, Buffer, Buffer?]
    return {
      tag,
      total: { itemCount: Number(itemCount), sizeBytes: Number(bytes) },
      replaced: before === undefined ? undefined : this.#toItem(storeKey, before, [], 0),
    }
  }

  /**
   * @returns `'uploading'`: not there, and a node has announced an upload of it.
   * @throws HeadwaterError `HW_STORE_UNAVAILABLE`.
   */
  async read(storeKey: StoreKey): Promise<Found> {
    const tag = tagOf(storeKey)
    for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt++) {
      // Before the question is sent: what is remembered never outlives what is there.
      const askedAtMs = this.#options.clock.monotonicMs()
      const reply = await this.#run(READ, tag, [bytesOf(storeKey)])
      if (!Array.isArray(reply)) return absence(reply)
      const [leftMs, record, versionId, chunkCount, body] = reply as readonly Buffer[]
      if (record === undefined || body === undefined) return undefined
      const expiresAtMs = askedAtMs + Number(leftMs)
      const count = Number(chunkCount)
      const chunks = count === 0 ? [body] : await this.#chunks(tag, String(versionId), count)
      // Overwritten in between: its chunks are gone, and the new version's are named now.
      if (chunks !== undefined) return this.#toItem(storeKey, record, chunks, expiresAtMs)
    }
    return undefined
  }

  /** As {@link read}, without the body and what is made of it. */
  async describe(storeKey: StoreKey): Promise<Found> {
    const askedAtMs = this.#options.clock.monotonicMs()
    const reply = await this.#run(DESCRIBE, tagOf(storeKey), [bytesOf(storeKey)])
    if (!Array.isArray(reply)) return absence(reply)
    const [leftMs, record] = reply as readonly Buffer[]
    if (record === undefined) return undefined
    return this.#toItem(storeKey, record, [], askedAtMs + Number(leftMs))
  }

  async delete(
    storeKey: StoreKey,
  ): Promise<{ readonly tag: string; readonly wasThere: boolean; readonly total: CacheTotal }> {
    const tag = tagOf(storeKey)
    const { cacheName } = splitStoreKey(storeKey)
    const args = [bytesOf(storeKey), cacheName]
    let reply
    try {
      reply = await this.#transact(DELETE, tag, args, [['unlink', objectNameOf(tag, storeKey)]])
    } catch (error) {
      if (!(error instanceof ValkeyFullError)) throw error
      reply = await this.#run(DELETE_WHOLE, tag, args)
    }
    const [itemCount, bytes, wasThere] = reply as readonly [Buffer, Buffer, number]
    const total = { itemCount: Number(itemCount), sizeBytes: Number(bytes) }
    return { tag, wasThere: wasThere === 1, total }
  }

  /** Whether it is there. */
  async extend(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    const { clock } = this.#options
    const ttlMs = Math.ceil(expiresAtMonotonicMs - clock.monotonicMs())
    const tag = tagOf(storeKey)
    const keptMs = ttlMs + this.#graceMs
    const reply = await this.#transact(
      EXTEND,
      tag,
      [bytesOf(storeKey), ttlMs, keptMs],
      // Only if that is later; never brings back what is gone.
      [['pexpire', objectNameOf(tag, storeKey), keptMs, 'GT']],
    )
    return reply === 1
  }

  /** The first keys behind a place, in byte order, at most `limit`. Asks every bucket. */
  async keys(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly afterKey?: string; readonly limit: number },
  ): Promise<readonly StoreKey[]> {
    const { keyPrefix, afterKey, limit } = options
    const low = afterKey !== undefined && afterKey >= keyPrefix ? `(${afterKey}` : `[${keyPrefix}`
    const bounds = [bytesOf(low), bytesOf(upperBoundOf(keyPrefix))]
    const replies = await Promise.all(
      allTags().map((tag) => this.#run(LIST, tag, [cacheName, ...bounds, limit])),
    )
    const keys = replies.flat().map((key) => (key as Buffer).toString('latin1'))
    // Only keys of items were written.
    return keys
      .sort()
      .slice(0, limit)
      .map((key) => `${cacheName}/${key}` as StoreKey)
  }

  /**
   * Keys of playlists that are there: first multivariant ones, then media playlists written within
   * `recentMs`, the newest of each, at most `limit` in all. Asks every bucket.
   */
  async playlists(recentMs: number, limit: number): Promise<readonly StoreKey[]> {
    const replies = await Promise.all(
      allTags().map((tag) => this.#run(PLAYLISTS, tag, [recentMs, limit])),
    )
    const found: { readonly key: string; readonly age: string }[] = []
    for (const reply of replies as readonly (readonly Buffer[])[]) {
      for (let index = 0; index + 1 < reply.length; index += 2) {
        found.push({ key: reply[index]?.toString('latin1') ?? '', age: String(reply[index + 1]) })
      }
    }
    const isMedia = ({ age }: { readonly age: string }) => (age.startsWith('-') ? 0 : 1)
    found.sort((left, right) => {
      const byKind = isMedia(left) - isMedia(right)
      return byKind === 0 ? Math.abs(Number(left.age)) - Math.abs(Number(right.age)) : byKind
    })
    // Only keys of items were written.
    return found.slice(0, limit).map(({ key }) => key as StoreKey)
  }

  /** Takes what has expired out of a bucket; its usage by cache. */
  async upkeep(tag: string): Promise<ReadonlyMap<CacheName, CacheTotal>> {
    for (;;) {
      const reply = await this.#run(UPKEEP, tag, [UPKEEP_BATCH])
      const [swept, ...usage] = reply as readonly [number, ...Buffer[]]
      if (swept < UPKEEP_BATCH) return parseUsage(usage)
    }
  }

  get #graceMs(): number {
    return this.#options.engineNowMs === undefined ? 0 : GRACE_MS
  }

  #ttlMs(expiresAtMonotonicMs: number): number {
    return Math.max(1, Math.ceil(expiresAtMonotonicMs - this.#options.clock.monotonicMs()))
  }

  #run(script: typeof PUT, tag: string, args: readonly Argument[]): Promise<unknown> {
    const nowMs = this.#options.engineNowMs?.() ?? ''
    return this.#options.link.run(script, tag, [nowMs, tag, ...args])
  }

  #transact(
    script: typeof PUT,
    tag: string,
    args: readonly Argument[],
    commands: readonly (readonly Argument[])[],
  ): Promise<unknown> {
    const nowMs = this.#options.engineNowMs?.() ?? ''
    return this.#options.link.transact(script, tag, [nowMs, tag, ...args], commands)
  }

  async #putChunks(tag: string, versionId: string, body: Buffer, ttlMs: number): Promise<number> {
    const pieces: Buffer[] = []
    for (let start = 0; start < body.length; start += CHUNK_BYTES_MAX) {
      pieces.push(body.subarray(start, start + CHUNK_BYTES_MAX))
    }
    const keptMs = Math.min(ttlMs, UNFINISHED_MS) + this.#graceMs
    await Promise.all(
      pieces.map((piece, index) =>
        this.#options.link.ask((client) =>
          client.set(chunkNameOf(tag, versionId, index), piece, 'PX', keptMs),
        ),
      ),
    )
    return pieces.length
  }

  async #chunks(
    tag: string,
    versionId: string,
    count: number,
  ): Promise<readonly Buffer[] | undefined> {
    const names = Array.from({ length: count }, (_, index) => chunkNameOf(tag, versionId, index))
    const found = await Promise.all(
      names.map((name) => this.#options.link.ask((client) => client.getBuffer(name))),
    )
    const chunks = found.filter((chunk) => chunk !== null)
    return chunks.length === count ? chunks : undefined
  }

  #toItem(
    storeKey: StoreKey,
    record: Buffer,
    chunks: readonly Buffer[],
    expiresAtMonotonicMs: number,
  ): StoredItem | undefined {
    const read = decodeValkeyRecord(record)
    if (read === undefined) return undefined
    const item: StoredItem = {
      storeKey,
      chunks,
      sizeBytes: read.sizeBytes,
      kind: read.kind,
      contentType: read.contentType,
      contentEncoding: read.contentEncoding,
      etag: read.etag,
      storedAtMs: read.storedAtMs,
      ttlSeconds: read.ttlSeconds,
      expiresAtMonotonicMs,
      version: read.version,
      attachment: undefined,
    }
    const isPlaylist = item.kind === 'media' || item.kind === 'multivariant'
    // A playlist's is made from its body.
    if (isPlaylist && chunks.length === 0) return item
    const { attachments } = this.#options
    return { ...item, attachment: attachments.fromText(item, read.attachmentText) }
  }
}

/** Of a reply without an object. */
function absence(reply: unknown): 'uploading' | undefined {
  return reply === 1 ? 'uploading' : undefined
}

function bytesOf(byteString: string): Buffer {
  return Buffer.from(byteString, 'latin1')
}

/** The end of all keys with a prefix, as ZRANGEBYLEX has it. */
function upperBoundOf(prefix: string): string {
  const trimmed = prefix.replace(/\xff+$/, '')
  if (trimmed === '') return '+'
  const last = trimmed.charCodeAt(trimmed.length - 1)
  return `(${trimmed.slice(0, -1)}${String.fromCharCode(last + 1)}`
}

function wholeBody({ chunks }: StoredItem): Buffer {
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined) {
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  }
  return Buffer.concat(chunks)
}
