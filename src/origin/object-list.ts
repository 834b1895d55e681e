/**
 * A page of a cache's objects for people: by prefix, in the order they ask for. In order of the key
 * the store has it ready; any other order is the best of a scan, taken in slices so that a cache of
 * 100,000 objects holds up nobody's segment.
 */

import { parseItemKey, splitStoreKey, toStoreKey } from '../base/names.ts'
import type { CacheName, ItemKey, StoreKey } from '../base/names.ts'
import type { Store, StoredItem } from '../storage/store.ts'

/** With a minus from the largest, newest, last one down. Ties are in order of the key. */
export const OBJECT_SORTS = ['key', '-key', 'size', '-size', 'storedAt', '-storedAt'] as const
export type ObjectSort = (typeof OBJECT_SORTS)[number]

export interface ObjectListQuery {
  readonly cacheName: CacheName
  /** A byte string; '' for all. */
  readonly keyPrefix: string
  readonly sort: ObjectSort
  /** {@link ObjectPage.nextAfter} of the page before. */
  readonly after: string | undefined
  /** 1 to 1,000. */
  readonly limit: number
}

export interface ObjectPage {
  readonly items: readonly StoredItem[]
  /** `undefined` on the last page. URL-safe; it says where a page ended, so nothing has to be kept. */
  readonly nextAfter: string | undefined
}

/** Items looked at before others have their turn: about a ms. */
const SLICE_ITEMS = 2000

/** Where an item stands in an order: by a number first, by its key then. */
interface Place {
  readonly value: number
  readonly storeKey: StoreKey
}

interface Candidate extends Place {
  readonly item: StoredItem
}

type Compare = (a: Place, b: Place) => number

/** @returns `undefined` when `after` is no place in this order. */
export async function listObjects(
  store: Pick<Store, 'list'>,
  query: ObjectListQuery,
): Promise<ObjectPage | undefined> {
  const { cacheName, keyPrefix, sort, limit } = query
  const after = query.after === undefined ? undefined : parsePlace(query.after, cacheName)
  if (query.after !== undefined && after === undefined) return undefined
  if (sort === 'key') {
    const from = after === undefined ? {} : { after: after.storeKey }
    const page = await store.list(cacheName, { keyPrefix, limit, ...from })
    const last = page.nextAfter
    return {
      items: page.items,
      nextAfter: last === undefined ? undefined : formatPlace({ value: 0, storeKey: last }),
    }
  }
  // One more than asked for is there: only then is there another page.
  const found = await scanFor(store, { ...query, sort, limit: limit + 1 }, after)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page,
    nextAfter:
      found.length > limit && last !== undefined
        ? formatPlace({ value: valueOf(last, sort), storeKey: last.storeKey })
        : undefined,
  }
}

/** The first `limit` items after a place. */
async function scanFor(
  store: Pick<Store, 'list'>,
  query: ObjectListQuery & { readonly sort: Exclude<ObjectSort, 'key'> },
  after: Place | undefined,
): Promise<readonly StoredItem[]> {
  const { sort, limit } = query
  if (sort === '-key') {
    // The scan is in order of the key: the last ones before the place, turned round.
    const last: StoredItem[] = []
    await scan(store, query, (item) => {
      if (after !== undefined && item.storeKey >= after.storeKey) return false
      last.push(item)
      if (last.length >= 2 * limit) last.splice(0, last.length - limit)
      return true
    })
    return last.slice(-limit).reverse()
  }
  const compare = compareBy(sort)
  const best = new Best(compare, limit)
  await scan(store, query, (item) => {
    const candidate = { value: valueOf(item, sort), storeKey: item.storeKey, item }
    if (after === undefined || compare(candidate, after) > 0) best.add(candidate)
    return true
  })
  return best.take().map(({ item }) => item)
}

/**
 * A page at a time, each visited at once: an async iterator would cost more than the visit. Ends
 * when `visit` has seen enough (`false`).
 */
async function scan(
  store: Pick<Store, 'list'>,
  { cacheName, keyPrefix }: Pick<ObjectListQuery, 'cacheName' | 'keyPrefix'>,
  visit: (item: StoredItem) => boolean,
): Promise<void> {
  let after: StoreKey | undefined
  do {
    const from = after === undefined ? {} : { after }
    const page = await store.list(cacheName, { keyPrefix, limit: SLICE_ITEMS, ...from })
    for (const item of page.items) if (!visit(item)) return
    after = page.nextAfter
    // The store may have it all in memory: its promises alone would let nobody in.
    if (after !== undefined) await new Promise((resolve) => setImmediate(resolve))
  } while (after !== undefined)
}

function valueOf(item: StoredItem, sort: ObjectSort): number {
  if (sort === 'size' || sort === '-size') return item.sizeBytes
  return sort === 'storedAt' || sort === '-storedAt' ? item.storedAtMs : 0
}

function compareBy(sort: ObjectSort): Compare {
  const byKey: Compare = (a, b) => (a.storeKey < b.storeKey ? -1 : a.storeKey > b.storeKey ? 1 : 0)
  if (sort === '-key') return (a, b) => byKey(b, a)
  const sign = sort.startsWith('-') ? -1 : 1
  return (a, b) => (a.value === b.value ? byKey(a, b) : sign * (a.value - b.value))
}

/** The first few of many in an order: a heap with the last of them on top. */
class Best {
  readonly #compare: Compare
  readonly #sizeMax: number
  readonly #heap: Candidate[] = []

  constructor(compare: Compare, sizeMax: number) {
    this.#compare = compare
    this.#sizeMax = sizeMax
  }

  add(candidate: Candidate): void {
    const top = this.#heap[0]
    if (this.#heap.length < this.#sizeMax) this.#rise(candidate)
    else if (top !== undefined && this.#compare(candidate, top) < 0) this.#sink(candidate)
  }

  /** In order. */
  take(): readonly Candidate[] {
    return this.#heap.sort(this.#compare)
  }

  #rise(candidate: Candidate): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt]
      if (parent === undefined || this.#compare(candidate, parent) <= 0) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = candidate
  }

  /** Takes the place of the top. */
  #sink(candidate: Candidate): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && this.#compare(right, left) > 0
      const child = isRight ? right : left
      if (this.#compare(candidate, child) >= 0) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = candidate
  }
}

function formatPlace({ value, storeKey }: Place): string {
  return `${value}.${formatKeyBase64Url(splitStoreKey(storeKey).key)}`
}

function parsePlace(text: string, cacheName: CacheName): Place | undefined {
  const match = /^([0-9]{1,15})\.(.+)$/.exec(text)
  const key = match?.[2] === undefined ? undefined : parseKeyBase64Url(match[2])
  if (key === undefined) return undefined
  return { value: Number(match?.[1]), storeKey: toStoreKey(cacheName, key) }
}

/** A key's exact bytes for URLs and JSON. */
export function formatKeyBase64Url(key: ItemKey): string {
  return Buffer.from(key, 'latin1').toString('base64url')
}

/** `undefined` when it is not base64url of 1 to 1,024 bytes. */
export function parseKeyBase64Url(text: string): ItemKey | undefined {
  if (!/^[A-Za-z0-9_-]{1,1400}$/.test(text) || text.length % 4 === 1) return undefined
  return parseItemKey(Buffer.from(text, 'base64url').toString('latin1'))
}
