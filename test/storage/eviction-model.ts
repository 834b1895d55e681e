/**
 * What a bounded store with pins and budgets holds, said as plainly as can be: a list in the order of
 * use, searched from its start. Slow and obvious; the memory store must agree with it step by step.
 */

export interface ModelItem {
  readonly key: string
  readonly accountedBytes: number
  readonly expiresAtMs: number
}

export class EvictionModel {
  readonly sizeBytesMax: number
  /** Least recently used first; pinned ones have no place among the others that matters. */
  items: ModelItem[] = []
  readonly owners = new Map<string, Set<string>>()

  constructor(sizeBytesMax: number) {
    this.sizeBytesMax = sizeBytesMax
  }

  find(key: string): ModelItem | undefined {
    return this.items.find((item) => item.key === key)
  }

  isPinned(key: string): boolean {
    return [...this.owners.values()].some((keys) => keys.has(key))
  }

  /** The outcome's kind, and which keys were evicted. */
  put(item: ModelItem, cacheBytesMax: number): { kind: string; evicted: readonly string[] } {
    const others = this.items.filter((held) => held.key !== item.key)
    const cacheName = cacheNameOf(item.key)
    const pinned = others.filter((held) => this.isPinned(held.key))
    if (item.accountedBytes > this.sizeBytesMax) return { kind: 'too-large', evicted: [] }
    if (sumOf(pinned, cacheName) + item.accountedBytes > cacheBytesMax) {
      return { kind: 'cache-full', evicted: [] }
    }
    if (sumOf(pinned) + item.accountedBytes > this.sizeBytesMax) {
      return { kind: 'full', evicted: [] }
    }
    const evicted: string[] = []
    const evictFirst = (cache?: string): void => {
      const index = others.findIndex(
        ({ key }) => !this.isPinned(key) && (cache === undefined || cacheNameOf(key) === cache),
      )
      evicted.push(...others.splice(index, 1).map(({ key }) => key))
    }
    while (sumOf(others, cacheName) + item.accountedBytes > cacheBytesMax) evictFirst(cacheName)
    while (sumOf(others) + item.accountedBytes > this.sizeBytesMax) evictFirst()
    this.items = [...others, item]
    return { kind: 'stored', evicted }
  }

  remove(key: string): void {
    this.items = this.items.filter((item) => item.key !== key)
  }

  touch(key: string): void {
    const item = this.find(key)
    if (item === undefined) return
    this.remove(key)
    this.items.push(item)
  }

  extend(key: string, expiresAtMs: number): void {
    this.items = this.items.map((item) =>
      item.key === key ? { ...item, expiresAtMs: Math.max(item.expiresAtMs, expiresAtMs) } : item,
    )
  }

  /** Whoever loses its last pin is the most recent, in the order in which its owner took them. */
  setPins(owner: string, keys: readonly string[]): void {
    const before = this.owners.get(owner) ?? new Set()
    const kept = [...before].filter((key) => keys.includes(key))
    this.owners.set(owner, new Set([...kept, ...keys]))
    for (const key of before) {
      if (!keys.includes(key) && !this.isPinned(key)) this.touch(key)
    }
  }

  sizeBytes(cacheName?: string): number {
    return sumOf(this.items, cacheName)
  }

  pinned(): readonly ModelItem[] {
    return this.items.filter((item) => this.isPinned(item.key))
  }
}

function sumOf(items: readonly ModelItem[], cacheName?: string): number {
  return items
    .filter(({ key }) => cacheName === undefined || cacheNameOf(key) === cacheName)
    .reduce((sum, item) => sum + item.accountedBytes, 0)
}

function cacheNameOf(key: string): string {
  return key.slice(0, key.indexOf('/'))
}
