/**
 * A store that several origins of one test share, without a server: what they know of each other
 * takes the same ways as with Valkey, and arrives when the test lets it.
 */

import type { Clock } from '../../src/base/clock.ts'
import type { StoreKey } from '../../src/base/names.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { RemoteChange, SharedStore, ShownVersions } from '../../src/storage/shared-store.ts'
import type { PeekResult, PutOutcome, StoreChange, StoredItem } from '../../src/storage/store.ts'
import { NearCache } from '../../src/storage/valkey/near-cache.ts'
import { Watchers } from '../../src/storage/watchers.ts'

/** What all of them write to. */
export class SharedMemory {
  readonly items = new Map<StoreKey, StoredItem>()
  readonly uploads = new Set<StoreKey>()
  readonly nodes = new Set<SharedMemoryNode>()
  readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  open(shown?: ShownVersions): SharedMemoryNode {
    const node = new SharedMemoryNode(this, shown)
    this.nodes.add(node)
    return node
  }

  find(storeKey: StoreKey): StoredItem | 'uploading' | undefined {
    const item = this.items.get(storeKey)
    if (item !== undefined && item.expiresAtMonotonicMs > this.clock.monotonicMs()) return item
    return this.uploads.has(storeKey) ? 'uploading' : undefined
  }

  tell(kind: 'item' | 'upload', storeKey: StoreKey, from?: SharedMemoryNode): void {
    for (const node of this.nodes) if (node !== from) node.hear(kind, storeKey)
  }
}

export class SharedMemoryNode extends HotStore implements SharedStore {
  readonly extended: StoreKey[] = []
  /** While it is set, reads wait for it. */
  slow: Promise<unknown> | undefined
  readonly #memory: SharedMemory
  readonly #shown: ShownVersions | undefined
  readonly #near: NearCache
  readonly #watching = new Watchers()
  readonly #listeners = new Set<(change: RemoteChange) => void>()

  constructor(memory: SharedMemory, shown: ShownVersions | undefined) {
    super({ sizeBytesMax: 1, clock: memory.clock })
    this.#memory = memory
    this.#shown = shown
    this.#near = new NearCache(new HotStore({ sizeBytesMax: 10_000_000, clock: memory.clock }))
  }

  override peek(storeKey: StoreKey): PeekResult {
    const found = this.#near.hot.inspect(storeKey)
    return found !== 'absent' || this.#near.isKnownAbsent(storeKey) ? found : 'elsewhere'
  }

  override inspect(storeKey: StoreKey): PeekResult {
    const found = this.peek(storeKey)
    return found === 'elsewhere' ? (this.#near.described(storeKey) ?? found) : found
  }

  override async load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const known = this.peek(storeKey)
    if (known !== 'elsewhere') return known === 'absent' ? undefined : known
    const fill = this.#near.begin(storeKey)
    const found = this.#memory.find(storeKey)
    await this.slow
    const item = typeof found === 'object' ? found : undefined
    const kept = this.#shown?.insteadOf(storeKey, item)
    this.#near.remember(fill, kept?.item ?? found)
    this.#near.end(fill)
    return kept?.item ?? item
  }

  override async put(item: StoredItem): Promise<PutOutcome> {
    const { items, uploads } = this.#memory
    const replaced = items.get(item.storeKey)
    items.set(item.storeKey, item)
    const fill = this.#near.begin(item.storeKey)
    this.#near.forget(item.storeKey, fill)
    this.#near.remember(fill, item)
    this.#near.end(fill)
    this.#shown?.wrote(item)
    if (uploads.delete(item.storeKey)) this.#memory.tell('upload', item.storeKey, this)
    this.#memory.tell('item', item.storeKey, this)
    return { kind: 'stored', replaced }
  }

  override async extendDeadline(storeKey: StoreKey): Promise<boolean> {
    this.extended.push(storeKey)
    return true
  }

  override watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    return this.#watching.add(storeKey, listener)
  }

  onRemoteChange(listener: (change: RemoteChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  announceUpload(storeKey: StoreKey): void {
    this.#memory.uploads.add(storeKey)
    this.#memory.tell('upload', storeKey, this)
  }

  endUpload(storeKey: StoreKey, isStored: boolean): void {
    if (!isStored) this.#near.forgetAbsence(storeKey)
    if (isStored || !this.#memory.uploads.delete(storeKey)) return
    this.#memory.tell('upload', storeKey, this)
  }

  isUploadedElsewhere(storeKey: StoreKey): boolean {
    return this.#near.isUploading(storeKey)
  }

  async find(storeKeys: readonly StoreKey[]): Promise<void> {
    for (const storeKey of storeKeys) {
      const fill = this.#near.begin(storeKey)
      this.#near.rememberDescribed(fill, this.#memory.find(storeKey))
      this.#near.end(fill)
    }
  }

  async restorePlaylists(): Promise<readonly StoredItem[]> {
    const kinds = new Set(['media', 'multivariant'])
    const playlists = [...this.#memory.items.values()].filter(({ kind }) => kinds.has(kind))
    for (const { storeKey } of playlists) await this.load(storeKey)
    return playlists
  }

  hear(kind: 'item' | 'upload', storeKey: StoreKey): void {
    if (kind === 'upload') {
      const wasUploading = this.#near.forgetAbsence(storeKey)
      this.#tell({ kind, storeKey, wasUploading })
      return
    }
    this.#shown?.dropped(storeKey)
    this.#near.forget(storeKey)
    this.#watching.notify(storeKey, 'evict')
    this.#tell({ kind, storeKey })
  }

  /** As when it was cut off for a while. */
  hearAll(): void {
    this.#shown?.dropped(undefined)
    this.#near.forgetAll()
    this.#tell({ kind: 'all' })
  }

  #tell(change: RemoteChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}
