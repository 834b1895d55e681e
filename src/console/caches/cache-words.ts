/** What is in a cache, and what goes when it is emptied, in words. Pure. */

import type { CacheUsage, ObjectKind } from '../api/steer-types.ts'
import { countOf, formatBytes } from '../ui/format-figures.ts'

export const KIND_WORDS: Readonly<Record<ObjectKind, string>> = {
  multivariant: 'Multivariant playlist',
  media: 'Media playlist',
  manifest: 'Manifest',
  segment: 'Segment',
  part: 'Part',
  init: 'Init section',
  key: 'Content key',
  other: 'Other',
}

/** `12 objects, 3.4 MiB`. */
export function usageWords({ itemCount, sizeBytes }: CacheUsage): string {
  return `${countOf(itemCount, 'object')}, ${formatBytes(sizeBytes)}`
}

/** So much is not emptied by one click. */
const MANY_ITEMS = 1000
const MANY_BYTES = 1024 ** 3

/** Whether the cache's name has to be typed before it is emptied: live, or large. */
export function needsName({ itemCount, sizeBytes, pinnedItemCount }: CacheUsage): boolean {
  return pinnedItemCount > 0 || itemCount >= MANY_ITEMS || sizeBytes >= MANY_BYTES
}

/** What goes, in sentences. */
export function flushWords(usage: CacheUsage): string[] {
  if (usage.itemCount === 0) return ['There is nothing in it now.']
  const words = [`${usageWords(usage)} go at once. It cannot be undone.`]
  if (usage.pinnedItemCount > 0) {
    words.push(
      `It is live: ${countOf(usage.pinnedItemCount, 'object')} are named by current playlists. Viewers get 404 until the encoders have pushed new ones; what an encoder sends only once (multivariant playlist, init section) is missing until it starts again.`,
    )
  }
  return words
}

/** '' when a cache may have the name. */
export function checkCacheName(name: string): string {
  return /^[A-Za-z0-9._-]{1,255}$/.test(name) ? '' : '1 to 255 letters, digits, ".", "_" or "-".'
}
