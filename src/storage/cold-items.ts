/**
 * Items whose bodies are not in memory, without them: what rules ask about a window that is larger
 * than the hot store. A bounded memory; what it has dropped is read from the disk again.
 */

import { LRUCache } from 'lru-cache'
import type { StoreKey } from '../base/names.ts'
import type { StoredItem } from './store.ts'

/** Of what this memory takes, about. */
const BYTES_MAX = 32 * 1024 ** 2
const ITEM_BYTES = 500
/** What a parsed playlist takes, for each byte of its text. */
const PARSED_FACTOR = 4

export class ColdItems {
  readonly #items = new LRUCache<StoreKey, StoredItem>({
    maxSize: BYTES_MAX,
    sizeCalculation: ({ kind, sizeBytes, storeKey }) =>
      ITEM_BYTES +
      storeKey.length +
      (kind === 'media' || kind === 'multivariant' ? sizeBytes * PARSED_FACTOR : 0),
  })

  /** Past its deadline or not. */
  get(storeKey: StoreKey): StoredItem | undefined {
    return this.#items.get(storeKey)
  }

  /** Keeps all but the body. */
  set(item: StoredItem): void {
    this.#items.set(item.storeKey, withoutBody(item))
  }

  delete(storeKey: StoreKey): void {
    this.#items.delete(storeKey)
  }

  clear(): void {
    this.#items.clear()
  }
}

export function withoutBody(item: StoredItem): StoredItem {
  return item.chunks.length === 0 ? item : { ...item, chunks: [] }
}
