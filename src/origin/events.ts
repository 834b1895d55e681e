/** What the origin tells the rest of the program: terminal lines, metrics and, later, the console. */

import { EventEmitter } from 'node:events'
import type { CacheName, ItemKey } from '../base/names.ts'
import type { Finding } from '../hls/validation-rules.ts'
import type { StoredItem } from '../storage/store.ts'
import type { ChannelState } from './channel-view.ts'

/** A write that was refused. Encoders ignore statuses, so the origin has to say it. */
export interface WriteRefusal {
  readonly cacheName: string
  /** For people; '' when the target named none. */
  readonly key: string
  readonly reason: string
  readonly statusCode: number
  readonly clientAddress: string
  readonly userAgent: string
  /** The target had `?token=`. */
  readonly hadQueryToken: boolean
  readonly hadHeaderCredential: boolean
  /** Sent `Expect: 100-continue`: a 401 is then the answer that a client with a password waits for. */
  readonly expectsContinue: boolean
}

export interface ChannelChange {
  readonly cacheName: CacheName
  /** For people: the multivariant playlist's key, or the media playlist's when it has none. */
  readonly key: string
  readonly state: ChannelState
  /** Why it is not simply live, in one sentence; '' otherwise. */
  readonly detail: string
  readonly renditionCount: number
  readonly targetDurationSeconds: number
  /** Time since the last playlist was written. */
  readonly lastWriteAgeSeconds: number
}

/** A playlist named keys that can write (or nobody knows); they were taken out. */
export interface TokensRemoved {
  readonly cacheName: CacheName
  readonly key: ItemKey
  readonly tokenCount: number
}

/** Something the validator found with a playlist at its PUT. */
export interface PlaylistFinding {
  readonly cacheName: CacheName
  readonly key: ItemKey
  readonly finding: Finding
}

/** A test rig's faults were added or taken away. */
export interface FaultsChange {
  /** `lapsed`: its time limit has taken it away. */
  readonly kind: 'added' | 'deleted' | 'cleared' | 'lapsed'
  /** '' when all went. */
  readonly faultId: string
  /** What goes wrong; `undefined` when something was taken away. */
  readonly action: string | undefined
  /** When it ends by itself. */
  readonly limitSeconds: number
  /** Faults for everybody that are on now. */
  readonly activeCount: number
}

/** A test rig's clock was moved, or its pace changed. */
export interface ClockChange {
  /** Wall clock, ms. */
  readonly nowMs: number
  readonly machineNowMs: number
  /** Seconds of it in a second; 0: it stands. */
  readonly rate: number
}

interface EventMap {
  'clock-changed': [change: ClockChange]
  'faults-changed': [change: FaultsChange]
  finding: [found: PlaylistFinding]
  'tokens-removed': [removal: TokensRemoved]
  'item-stored': [item: StoredItem]
  /** Another node has written it, and this one has read it. */
  'playlist-elsewhere': [item: StoredItem]
  'write-refused': [refusal: WriteRefusal]
  'channel-changed': [change: ChannelChange]
  'cache-created': [cacheName: CacheName]
}

export class OriginEvents extends EventEmitter<EventMap> {}
