/** Metrics of what is stored: uploads, the hot store, findings about playlists. */

import { RULES } from '../../hls/validation-rules.ts'
import { counter, gauge } from '../scalar-family.ts'
import type { Scrape } from '../sources.ts'
import type { Family } from '../text.ts'

const RULE_NAMES = Object.keys(RULES)

export const STORE_FAMILIES: readonly Family<Scrape>[] = [
  counter('headwater_uploads_stored_total', 'Objects stored.', {
    advice: '**Alert when the rate falls to 0.**',
    read: ({ origin }) => origin.uploadsStoredCount,
  }),
  counter('headwater_uploads_stored_bytes_total', 'Bytes of objects stored.', {
    read: ({ origin }) => origin.uploadsStoredBytes,
  }),
  gauge('headwater_uploads_in_flight', 'Uploads in progress.', {
    read: ({ origin }) => origin.uploadsInFlight,
  }),
  gauge('headwater_uploads_in_flight_bytes', 'Bytes of unfinished uploads.', {
    advice: 'Against `limits.uploadsInFlightBytesMax`.',
    read: ({ origin }) => origin.uploadsInFlightBytes,
  }),
  gauge('headwater_caches', 'Caches that exist.', {
    advice: 'Against `limits.cachesMax`.',
    read: ({ cacheCount }) => cacheCount(),
  }),
  counter('headwater_hot_store_hits_total', 'Look-ups that found an object.', {
    read: ({ store }) => store.hitCount,
  }),
  counter('headwater_hot_store_misses_total', 'Look-ups that found none.', {
    read: ({ store }) => store.missCount,
  }),
  counter('headwater_hot_store_puts_total', 'Objects written into memory.', {
    read: ({ store }) => store.putCount,
  }),
  counter('headwater_hot_store_deletes_total', 'Objects deleted or flushed.', {
    read: ({ store }) => store.deleteCount,
  }),
  counter('headwater_hot_store_evictions_total', 'Objects dropped to make room.', {
    advice: 'Dropped before their TTL: **more memory, or a shorter TTL**.',
    read: ({ store }) => store.evictionCount,
  }),
  counter('headwater_hot_store_expirations_total', 'Objects whose TTL passed.', {
    read: ({ store }) => store.expirationCount,
  }),
  gauge('headwater_hot_store_items', 'Objects held.', { read: ({ store }) => store.itemCount }),
  gauge('headwater_hot_store_size_bytes', 'Memory accounted to objects.', {
    read: ({ store }) => store.sizeBytes,
  }),
  gauge('headwater_hot_store_size_bytes_max', 'Bound on that memory.', {
    read: ({ store }) => store.sizeBytesMax,
  }),
  gauge('headwater_hot_store_pinned_items', 'Objects that live playlists name.', {
    advice: 'Never dropped for others.',
    read: ({ store }) => store.pinnedItemCount,
  }),
  gauge('headwater_hot_store_pinned_bytes', 'Memory accounted to them.', {
    advice: 'Near the bound, uploads get 507.',
    read: ({ store }) => store.pinnedBytes,
  }),
  {
    name: 'headwater_findings_total',
    help: 'What was wrong with playlists at their PUT, by rule.',
    advice: 'The rules: [HLS](hls.md).',
    type: 'counter',
    labels: { rule: RULE_NAMES },
    read: ({ findingCounts }) =>
      RULE_NAMES.map((rule) => ({ labels: { rule }, value: findingCounts.get(rule) ?? 0 })),
  },
  counter('headwater_playlist_tokens_removed_total', 'Tokens taken out of playlists.', {
    advice: 'Some encoder has its key in a URL.',
    read: ({ tokenGuard }) => tokenGuard.removedTokenCount,
  }),
]
