/** The caches that this session administers, kept fresh. */

import type { CacheList } from '../api/steer-types.ts'
import type { Resource } from './use-resource.ts'
import { useResource } from './use-resource.ts'

/** @param refreshMs  For usage that moves; names alone change by events. */
export function useCaches(refreshMs = 0): Resource<CacheList> {
  return useResource<CacheList>('/api/caches', { refreshMs, refreshOn: ['cache'] })
}
