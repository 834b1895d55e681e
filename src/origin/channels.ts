/**
 * Channels as a person sees them: a multivariant playlist with its renditions, or a media playlist
 * alone; live, stale or ended. Told to the terminal, since encoders say nothing when they fail.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { formatItemKey, splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import { resolveToKey } from '../hls/resolve.ts'
import type { StoredItem } from '../storage/store.ts'
import type { ChannelState, OriginEvents } from './events.ts'
import { notesOf } from './item-notes.ts'

export interface ChannelTrackerOptions {
  readonly events: OriginEvents
  readonly clock: Clock
}

interface Rendition {
  readonly storeKey: StoreKey
  targetDurationSeconds: number
  ended: boolean
  readonly firstWriteMs: number
  lastWriteMs: number
}

const TICK_MS = 1000
/** A media playlist may arrive before the multivariant one that names it. */
const ALONE_AFTER_MS = 5000
/** RFC 8216bis §6.2.2: a live playlist is renewed within 1.5 target durations; twice that is late. */
const STALE_TARGET_DURATIONS = 3
const STALE_MS_MIN = 6000
const FORGET_MS = 3_600_000
const PLAYLISTS_MAX = 2000

export class ChannelTracker {
  readonly #options: ChannelTrackerOptions
  readonly #renditions = new Map<StoreKey, Rendition>()
  /** Multivariant playlist -> the keys of its variants and renditions. */
  readonly #multivariants = new Map<StoreKey, readonly StoreKey[]>()
  readonly #states = new Map<StoreKey, ChannelState>()
  readonly #onStored = (item: StoredItem) => this.#note(item)
  #timer: Timer | undefined

  constructor(options: ChannelTrackerOptions) {
    this.#options = options
    options.events.on('item-stored', this.#onStored)
  }

  close(): void {
    this.#options.events.off('item-stored', this.#onStored)
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  #note(item: StoredItem): void {
    if (item.kind !== 'media' && item.kind !== 'multivariant') return
    const { playlist } = notesOf(item)
    // Not one of either kind yet: an encoder that has not cut its first segment.
    if (playlist === undefined || (playlist.kind === 'media' && playlist.segmentCount === 0)) return
    if (playlist.kind === 'multivariant') {
      const { cacheName, key } = splitStoreKey(item.storeKey)
      const location = { cacheName, playlistKey: key, keyForm: notesOf(item).keyForm }
      const uris = [
        ...playlist.variants.map((variant) => variant.uri),
        ...playlist.renditions.flatMap((rendition) => rendition.uri ?? []),
      ]
      const variants = uris.flatMap((uri) => {
        const found = resolveToKey(location, uri)
        return found === undefined ? [] : [toStoreKey(cacheName, found)]
      })
      remember(this.#multivariants, item.storeKey, variants)
    } else {
      const nowMs = this.#options.clock.monotonicMs()
      const before = this.#renditions.get(item.storeKey)
      remember(this.#renditions, item.storeKey, {
        storeKey: item.storeKey,
        targetDurationSeconds: playlist.targetDurationSeconds,
        ended: playlist.ended,
        firstWriteMs: before?.firstWriteMs ?? nowMs,
        lastWriteMs: nowMs,
      })
    }
    this.#timer ??= this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    this.#timer = undefined
    const nowMs = this.#options.clock.monotonicMs()
    for (const [channelKey, renditions] of this.#channels(nowMs)) {
      this.#judge(channelKey, renditions, nowMs)
    }
    this.#forget(nowMs)
    if (this.#renditions.size > 0) {
      this.#timer = this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
    }
  }

  /** Renditions by the playlist that stands for their channel. */
  #channels(nowMs: number): Map<StoreKey, Rendition[]> {
    const channels = new Map<StoreKey, Rendition[]>()
    const grouped = new Set<StoreKey>()
    for (const [multivariantKey, variants] of this.#multivariants) {
      const renditions = variants.flatMap((key) => this.#renditions.get(key) ?? [])
      if (renditions.length === 0) continue
      channels.set(multivariantKey, renditions)
      for (const rendition of renditions) grouped.add(rendition.storeKey)
    }
    for (const rendition of this.#renditions.values()) {
      if (grouped.has(rendition.storeKey)) continue
      if (nowMs - rendition.firstWriteMs < ALONE_AFTER_MS && !rendition.ended) continue
      channels.set(rendition.storeKey, [rendition])
    }
    return channels
  }

  #judge(channelKey: StoreKey, renditions: readonly Rendition[], nowMs: number): void {
    const lastWriteMs = Math.max(...renditions.map((rendition) => rendition.lastWriteMs))
    const targetDurationSeconds = Math.max(
      ...renditions.map((rendition) => rendition.targetDurationSeconds),
    )
    const staleMs = Math.max(STALE_MS_MIN, STALE_TARGET_DURATIONS * targetDurationSeconds * 1000)
    const state: ChannelState = renditions.every((rendition) => rendition.ended)
      ? 'ended'
      : nowMs - lastWriteMs > staleMs
        ? 'stale'
        : 'live'
    if (this.#states.get(channelKey) === state) return
    this.#states.set(channelKey, state)
    const { cacheName, key } = splitStoreKey(channelKey)
    this.#options.events.emit('channel-changed', {
      cacheName,
      key: formatItemKey(key),
      state,
      renditionCount: renditions.length,
      targetDurationSeconds,
      lastWriteAgeSeconds: (nowMs - lastWriteMs) / 1000,
    })
  }

  /** What has not been written for an hour is gone, and would be a new channel if it came back. */
  #forget(nowMs: number): void {
    for (const [storeKey, rendition] of this.#renditions) {
      if (nowMs - rendition.lastWriteMs < FORGET_MS) continue
      this.#renditions.delete(storeKey)
      this.#states.delete(storeKey)
    }
    for (const [storeKey, variants] of this.#multivariants) {
      if (!this.#states.has(storeKey) || variants.some((key) => this.#renditions.has(key))) continue
      this.#multivariants.delete(storeKey)
      this.#states.delete(storeKey)
    }
  }
}

/** Sets, newest last; the oldest goes when there are too many. */
function remember<Value>(map: Map<StoreKey, Value>, storeKey: StoreKey, value: Value): void {
  map.delete(storeKey)
  map.set(storeKey, value)
  if (map.size <= PLAYLISTS_MAX) return
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
