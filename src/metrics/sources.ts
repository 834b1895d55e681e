/** Where metrics are read: the counters of the components, as they keep them, and one look at all. */

import type { AuthenticatorStats } from '../auth/authenticator.ts'
import { formatItemKey, toStoreKey } from '../base/names.ts'
import type { ItemKey, StoreKey } from '../base/names.ts'
import { redactText } from '../base/redact.ts'
import type { ReloadOutcome } from '../origin/blocking-reload.ts'
import type { Channels, ChannelView, RenditionView } from '../origin/channel-view.ts'
import type { OriginStats } from '../origin/origin.ts'
import type { OverloadStats } from '../origin/overload.ts'
import type { TokenGuardStats } from '../origin/token-guard.ts'
import type { WaiterStats } from '../origin/waiters.ts'
import type { Faults } from '../rig/faults.ts'
import type { DiskStats } from '../storage/disk-items.ts'
import type { StoreStats } from '../storage/store.ts'
import type { ValkeyLink } from '../storage/valkey/valkey-link.ts'
import type { ValkeyStats } from '../storage/valkey/valkey-store.ts'
import type { PlaylistReads } from './playlist-reads.ts'
import type { ProcessMeters } from './process-meters.ts'
import type { RequestMeters } from './request-meters.ts'
import type { Labels } from './text.ts'

/** Counters of the connections of a plane. */
export interface MeasuredConnections {
  readonly open: number
  readonly openedCount: number
  readonly refusedCount: number
  readonly malformedCount: number
  /** By the express lane. */
  readonly frontRequestCount: number
  readonly handedOverCount: number
}

/** Counters of the access log. */
export interface MeasuredAccessLog {
  readonly lineCount: number
  readonly droppedCount: number
  readonly errorCount: number
}

/** Counters of one webhook. */
export interface MeasuredWebhook {
  readonly queuedCount: number
  readonly deliveredCount: number
  readonly failedAttemptCount: number
  readonly deadLetterCount: number
}

/** Counters of objects in Valkey, and how the link to it is. */
export interface MeasuredValkey {
  readonly stats: ValkeyStats
  readonly link: Pick<ValkeyLink, 'downSinceMs' | 'downTotalMs' | 'isTracking'>
}

export interface MetricSources {
  readonly store: StoreStats
  /** `undefined` without a disk. */
  readonly disk: DiskStats | undefined
  /** `undefined` without Valkey. */
  readonly valkey: MeasuredValkey | undefined
  readonly origin: OriginStats
  readonly waiters: WaiterStats
  readonly waiterCount: () => number
  readonly reloads: Readonly<Record<ReloadOutcome, number>>
  readonly cacheCount: () => number
  readonly findingCounts: ReadonlyMap<string, number>
  readonly overload: OverloadStats
  readonly tokenGuard: TokenGuardStats
  readonly auth: () => AuthenticatorStats
  readonly requests: RequestMeters
  readonly playlistReads: PlaylistReads
  readonly refusedWrites: ReadonlyMap<string, number>
  readonly connections: Readonly<Record<'data' | 'admin', MeasuredConnections>>
  /** `undefined` without an access log. */
  readonly accessLog: MeasuredAccessLog | undefined
  readonly webhooks: () => readonly MeasuredWebhook[]
  /** Of a test rig; `undefined` otherwise. */
  readonly faults: Pick<Faults, 'counts' | 'everybody'> | undefined
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
  readonly channels: readonly LabelledChannel[]
  /** Channels over `channelsMax`. */
  readonly channelsLeftOutCount: number
  readonly memory: NodeJS.MemoryUsage
  readonly cpu: NodeJS.CpuUsage
}

/** A channel that has series of its own. */
export interface LabelledChannel {
  readonly view: ChannelView
  readonly labels: Labels
  readonly renditions: readonly LabelledRendition[]
}

export interface LabelledRendition {
  readonly view: RenditionView
  readonly storeKey: StoreKey
  readonly labels: Labels
}

/** Renditions of one channel with series of their own. */
export const RENDITIONS_MAX = 32

/** Channels that have not ended come first: they are the ones to watch. */
export function takeScrape(sources: MetricSources): Scrape {
  const views = sources.channels.list()
  const channels = labelled(
    [
      ...views.filter(({ state }) => state !== 'ended'),
      ...views.filter(({ state }) => state === 'ended'),
    ],
    ({ cacheName, key }) => ({ cache: cacheName, channel: labelOf(key) }),
    sources.channelsMax,
  ).map(toChannel)
  sources.playlistReads.retain(
    new Set(channels.flatMap(({ renditions }) => renditions.map(({ storeKey }) => storeKey))),
  )
  return {
    ...sources,
    auth: sources.auth(),
    channels,
    channelsLeftOutCount: views.length - channels.length,
    memory: process.memoryUsage(),
    cpu: process.cpuUsage(),
  }
}

function toChannel({ view, labels }: { view: ChannelView; labels: Labels }): LabelledChannel {
  const labelsOf = ({ key }: RenditionView) => ({ ...labels, rendition: labelOf(key) })
  const renditions = labelled(view.renditions, labelsOf, RENDITIONS_MAX).map((rendition) => ({
    ...rendition,
    storeKey: toStoreKey(view.cacheName, rendition.view.key),
  }))
  return { view, labels, renditions }
}

/** The first `countMax` that differ in their labels: of two series with the same ones, none is right. */
function labelled<View>(
  views: readonly View[],
  labelsOf: (view: View) => Labels,
  countMax: number,
): { view: View; labels: Labels }[] {
  const chosen = new Map<string, { view: View; labels: Labels }>()
  for (const view of views) {
    if (chosen.size >= countMax) break
    const labels = labelsOf(view)
    const name = Object.values(labels).join('\n')
    if (!chosen.has(name)) chosen.set(name, { view, labels })
  }
  return [...chosen.values()]
}

/** Keys are bytes, labels are text; and whoever names an object after a credential shows it to nobody. */
function labelOf(key: ItemKey): string {
  return redactText(formatItemKey(key))
}
