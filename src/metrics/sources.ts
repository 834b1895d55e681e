/** Where metrics are read: the counters of the components, as they keep them, and one look at all. */

import type { AuthenticatorStats } from '../auth/authenticator.ts'
import { toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { Channels, ChannelView } from '../origin/channel-view.ts'
import type { OriginStats } from '../origin/origin.ts'
import type { OverloadStats } from '../origin/overload.ts'
import type { TokenGuardStats } from '../origin/token-guard.ts'
import type { WaiterStats } from '../origin/waiters.ts'
import type { StoreStats } from '../storage/store.ts'
import type { PlaylistReads } from './playlist-reads.ts'
import type { ProcessMeters } from './process-meters.ts'
import type { RequestMeters } from './request-meters.ts'

/** Counters of the connections of a plane. */
export interface MeasuredConnections {
  readonly open: number
  readonly openedCount: number
  readonly refusedCount: number
  readonly malformedCount: number
}

export interface MetricSources {
  readonly store: StoreStats
  readonly origin: OriginStats
  readonly waiters: WaiterStats
  readonly waiterCount: () => number
  readonly cacheCount: () => number
  readonly findingCounts: ReadonlyMap<string, number>
  readonly overload: OverloadStats
  readonly tokenGuard: TokenGuardStats
  readonly auth: () => AuthenticatorStats
  readonly requests: RequestMeters
  readonly playlistReads: PlaylistReads
  readonly refusedWrites: ReadonlyMap<string, number>
  readonly connections: Readonly<Record<'data' | 'admin', MeasuredConnections>>
  readonly channels: Pick<Channels, 'list'>
  /** Channels with series of their own. */
  readonly channelsMax: number
  readonly process: ProcessMeters
  readonly nowMs: () => number
  readonly startedAtMs: number
  readonly version: string
}

/** All sources at one moment: what is dear to look at is looked at once. */
export interface Scrape extends Omit<MetricSources, 'channels' | 'auth'> {
  readonly auth: AuthenticatorStats
  readonly channels: readonly ChannelView[]
  /** Channels over `channelsMax`. */
  readonly channelsLeftOutCount: number
  readonly memory: NodeJS.MemoryUsage
  readonly cpu: NodeJS.CpuUsage
}

/** Renditions of one channel with series of their own. */
export const RENDITIONS_MAX = 32

/** Channels that have not ended come first: they are the ones to watch. */
export function takeScrape(sources: MetricSources): Scrape {
  const { channelsMax } = sources
  const all = sources.channels.list()
  const channels =
    all.length <= channelsMax
      ? all
      : [
          ...all.filter(({ state }) => state !== 'ended'),
          ...all.filter(({ state }) => state === 'ended'),
        ].slice(0, channelsMax)
  sources.playlistReads.retain(playlistsOf(channels))
  return {
    ...sources,
    auth: sources.auth(),
    channels,
    channelsLeftOutCount: all.length - channels.length,
    memory: process.memoryUsage(),
    cpu: process.cpuUsage(),
  }
}

function playlistsOf(channels: readonly ChannelView[]): ReadonlySet<StoreKey> {
  const storeKeys = new Set<StoreKey>()
  for (const { cacheName, renditions } of channels) {
    for (const { key } of renditions) storeKeys.add(toStoreKey(cacheName, key))
  }
  return storeKeys
}
