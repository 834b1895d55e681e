/**
 * Whether a channel lives: from the records of its playlists and the time alone. A channel is
 * `broken` when it is written and yet a viewer who turns to it cannot have what it names; each of its
 * causes must have lasted, so that no start, restart or slow uplink looks like one.
 */

import { formatSeconds } from '../hls/validation-rules.ts'
import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { ChannelLink, Multivariant } from './channel-topology.ts'
import type { ChannelState } from './channel-view.ts'
import { nameOfKey, staleAfterMs } from './rendition-record.ts'
import type { RenditionRecord } from './rendition-record.ts'

/** A media playlist of a channel: named, known, or both. */
export interface ChannelMember {
  readonly link: ChannelLink | undefined
  readonly record: RenditionRecord | undefined
}

export interface ChannelMembers {
  readonly storeKey: StoreKey
  /** `undefined` for a media playlist that nothing names. */
  readonly multivariant: Multivariant | undefined
  readonly isMultivariantStored: boolean
  readonly members: readonly ChannelMember[]
}

export interface ChannelJudgement {
  readonly state: ChannelState
  /** Why it is not simply live, in one sentence; '' otherwise. */
  readonly detail: string
}

/** A named playlist may come so long after its channel has begun: its first segment has to end. */
const WAITING_MS_MIN = 10_000
const WAITING_TARGET_DURATIONS = 3

/**
 * @param runStartedMonotonicMs  When the channel went live last: what was named or written before
 *   that gets the same time as at a start.
 */
export function judgeChannel(
  channel: ChannelMembers,
  nowMonotonicMs: number,
  runStartedMonotonicMs: number,
): ChannelJudgement {
  const records = decidingRecords(channel)
  if (records.length === 0) return { state: 'stale', detail: 'Nothing is known of it.' }
  if (records.every(({ ended }) => ended)) {
    return { state: 'ended', detail: 'Its playlists end with EXT-X-ENDLIST.' }
  }
  const ageMs = nowMonotonicMs - Math.max(...records.map((each) => each.lastWriteMonotonicMs))
  if (ageMs > staleAfterMs(targetDurationOf(records))) {
    return { state: 'stale', detail: `Nothing was written for ${wholeSeconds(ageMs)}.` }
  }
  const detail = faultOf(channel, records, nowMonotonicMs, runStartedMonotonicMs)
  return { state: detail === '' ? 'live' : 'broken', detail }
}

/** Records of the playlists that a channel stands and falls with; all known when none of these is. */
export function decidingRecords({ members }: ChannelMembers): readonly RenditionRecord[] {
  const known = members.flatMap(({ record }) => record ?? [])
  const primary = members.flatMap(({ link, record }) =>
    record !== undefined && link?.isPrimary !== false ? [record] : [],
  )
  return primary.length > 0 ? primary : known
}

export function targetDurationOf(records: readonly RenditionRecord[]): number {
  return Math.max(...records.map((record) => record.targetDurationSeconds))
}

function faultOf(
  channel: ChannelMembers,
  records: readonly RenditionRecord[],
  nowMonotonicMs: number,
  runStartedMonotonicMs: number,
): string {
  const runMs = nowMonotonicMs - runStartedMonotonicMs
  // Some encoders write it after the first segments of its variants.
  if (!channel.isMultivariantStored && runMs > staleAfterMs(targetDurationOf(records))) {
    const { key } = splitStoreKey(channel.storeKey)
    return `${nameOfKey(key)} is not stored any more: it expired or was deleted.`
  }
  for (const record of records) {
    const silentMs = nowMonotonicMs - Math.max(record.lastWriteMonotonicMs, runStartedMonotonicMs)
    if (!record.ended && silentMs > staleAfterMs(record.targetDurationSeconds)) {
      const ageMs = nowMonotonicMs - record.lastWriteMonotonicMs
      return `${record.name} was not written for ${wholeSeconds(ageMs)}, others were.`
    }
    // What an earlier run named and did not bring is not this one's fault.
    const isOfThisRun = record.lastWriteMonotonicMs >= runStartedMonotonicMs
    const fault = isOfThisRun ? record.fault(nowMonotonicMs) : ''
    if (fault !== '') return fault
  }
  const waitingMs = Math.max(
    WAITING_MS_MIN,
    WAITING_TARGET_DURATIONS * targetDurationOf(records) * 1000,
  )
  const absent = channel.members.find(
    ({ link, record }) =>
      record === undefined &&
      link?.isPrimary === true &&
      nowMonotonicMs - Math.max(link.namedAtMonotonicMs, runStartedMonotonicMs) > waitingMs,
  )
  if (absent?.link === undefined) return ''
  const { key } = splitStoreKey(absent.link.storeKey)
  return `${nameOfKey(key)} is named and was never written.`
}

function wholeSeconds(ms: number): string {
  return formatSeconds(Math.round(ms / 1000))
}
