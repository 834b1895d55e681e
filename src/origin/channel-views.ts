/** Channels as plain data for who looks at them ({@link ChannelView}), made when asked. */

import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { ChannelJudgement, ChannelMember, ChannelMembers } from './channel-state.ts'
import { decidingRecords, targetDurationOf } from './channel-state.ts'
import type { ChannelView, RenditionView } from './channel-view.ts'
import type { KeptFinding } from './findings.ts'
import { FINDINGS_KEPT_MAX } from './findings.ts'
import type { RenditionRecord } from './rendition-record.ts'

export interface ViewInput {
  readonly channel: ChannelMembers
  readonly judgement: ChannelJudgement
  readonly stateSinceMs: number
  readonly nowMs: number
  readonly nowMonotonicMs: number
  readonly findingsOf: (storeKey: StoreKey) => readonly KeptFinding[]
}

/** About a microsecond for each rendition. */
export function toChannelView(input: ViewInput): ChannelView {
  const { channel, judgement } = input
  const { cacheName, key } = splitStoreKey(channel.storeKey)
  const deciding = decidingRecords(channel)
  const skews = skewsOf(deciding)
  const renditions = channel.members.map((member) => toRenditionView(member, skews, input))
  // What may be slow by its nature does not make the channel look slow.
  const judged = renditions.filter((_, index) => {
    const record = channel.members[index]?.record
    return record !== undefined && deciding.includes(record)
  })
  return {
    cacheName,
    key,
    state: judgement.state,
    stateSinceMs: input.stateSinceMs,
    stateDetail: judgement.detail,
    targetDurationSeconds: targetDurationOf(deciding),
    lastWriteAtMs: Math.max(...renditions.map(({ lastWriteAtMs }) => lastWriteAtMs)),
    edgeLagSeconds: worst(judged.map(({ edgeLagSeconds }) => edgeLagSeconds)),
    publishDelaySeconds: worst(judged.map(({ publishDelaySeconds }) => publishDelaySeconds)),
    missingSegmentCount: renditions.reduce((sum, each) => sum + each.missingSegmentCount, 0),
    skewSeconds: Math.max(0, ...renditions.map(({ skewSeconds }) => skewSeconds)),
    renditions,
    findings: findingsOf(input),
  }
}

function toRenditionView(
  { link, record }: ChannelMember,
  skews: ReadonlyMap<RenditionRecord, number>,
  { channel, nowMs, nowMonotonicMs }: ViewInput,
): RenditionView {
  const { key } = splitStoreKey(record?.storeKey ?? link?.storeKey ?? channel.storeKey)
  return {
    key,
    role: link?.role ?? 'alone',
    bandwidthBitsPerSecond: link?.bandwidthBitsPerSecond,
    widthPixels: link?.widthPixels,
    heightPixels: link?.heightPixels,
    codecs: link?.codecs,
    name: link?.name,
    state: record?.state(nowMonotonicMs) ?? 'waiting',
    targetDurationSeconds: record?.targetDurationSeconds ?? 0,
    segmentCount: record?.segmentCount ?? 0,
    lastMediaSequenceNumber: record?.lastMsn,
    edgeProgramDateTimeMs: record?.edgeDateMs,
    edgeLagSeconds: record === undefined ? undefined : edgeLagSeconds(record, nowMs),
    publishDelaySeconds: record?.timeline.delaySeconds,
    missingSegmentCount: record?.missingSegmentCount(nowMonotonicMs) ?? 0,
    skewSeconds: (record === undefined ? undefined : skews.get(record)) ?? 0,
    lastWriteAtMs: record?.lastWriteAtMs ?? 0,
    recentSegments: record?.timeline.points ?? [],
  }
}

/** An ended playlist has no edge that time runs away from. */
function edgeLagSeconds(record: RenditionRecord, nowMs: number): number | undefined {
  if (record.ended) return undefined
  return (nowMs - (record.edgeDateMs ?? record.lastWriteAtMs)) / 1000
}

/** Numbers so far apart were never counted together. */
const UNRELATED_SEGMENTS = 100

/**
 * How far each is behind the furthest, seconds: by dates when all have them, else by media sequence
 * numbers times the target duration. Nothing for one that has ended: it will not catch up.
 */
function skewsOf(records: readonly RenditionRecord[]): ReadonlyMap<RenditionRecord, number> {
  const skews = new Map<RenditionRecord, number>()
  const running = records.filter((record) => !record.ended && record.lastMsn !== undefined)
  if (running.length < 2) return skews
  const isDated = running.every(({ edgeDateMs }) => edgeDateMs !== undefined)
  const furthestMs = isDated ? Math.max(...running.map(({ edgeDateMs }) => edgeDateMs ?? 0)) : 0
  const furthestMsn = Math.max(...running.map(({ lastMsn }) => lastMsn ?? 0))
  for (const record of running) {
    const segments = furthestMsn - (record.lastMsn ?? 0)
    const isRelated = segments < UNRELATED_SEGMENTS
    skews.set(
      record,
      isDated
        ? (furthestMs - (record.edgeDateMs ?? 0)) / 1000
        : isRelated
          ? segments * record.targetDurationSeconds
          : 0,
    )
  }
  return skews
}

function worst(values: readonly (number | undefined)[]): number | undefined {
  let found: number | undefined
  for (const value of values) {
    if (value !== undefined && (found === undefined || value > found)) found = value
  }
  return found
}

function findingsOf({ channel, findingsOf: listOf }: ViewInput): ChannelView['findings'] {
  const storeKeys = new Set<StoreKey>([channel.storeKey])
  for (const { link, record } of channel.members) {
    const storeKey = record?.storeKey ?? link?.storeKey
    if (storeKey !== undefined) storeKeys.add(storeKey)
  }
  const found: ChannelView['findings'][number][] = []
  for (const storeKey of storeKeys) {
    const kept = listOf(storeKey)
    if (kept.length === 0) continue
    const { key } = splitStoreKey(storeKey)
    for (const finding of kept) found.push({ ...finding, key })
  }
  return found.toSorted((left, right) => left.atMs - right.atMs).slice(-FINDINGS_KEPT_MAX)
}
