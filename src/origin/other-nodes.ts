/**
 * What other nodes do, where several share a store: their playlists move the channels here, too, who
 * waits here for what they receive looks again, and what they have stored is not missing. Absent
 * where a process has its objects to itself.
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import { kindOfKey } from '../hls/kind.ts'
import type { RemoteChange, SharedStore } from '../storage/shared-store.ts'
import type { StoredItem } from '../storage/store.ts'
import { FORGET_MS } from './channel-model.ts'
import type { ChannelModel } from './channel-model.ts'
import type { OriginEvents } from './events.ts'
import type { JudgedUpload, PlaylistJudge } from './playlist-judge.ts'
import type { Waiters } from './waiters.ts'

export interface OtherNodesOptions {
  readonly shared: SharedStore
  readonly clock: Clock
  readonly events: OriginEvents
  readonly channels: ChannelModel
  readonly judge: PlaylistJudge
  readonly waiters: Waiters
  /** A key that was waited for has come, or will not. */
  readonly onSettled: (storeKey: StoreKey) => void
}

/** A node that receives an upload says every two seconds that it goes on. */
const HOLD_UPLOAD_MS = 6000
/** Of a playlist, from its live edge back: what is asked for before it is judged. */
export const LOOKED_UP_MAX = 200

export class OtherNodes {
  readonly #options: OtherNodesOptions
  readonly #stopListening: () => void
  #restoring: Promise<void> | undefined
  #isRestoreDue = false

  constructor(options: OtherNodesOptions) {
    this.#options = options
    this.#stopListening = options.shared.onRemoteChange((change) => void this.#changed(change))
  }

  /** Takes over playlists that were there before this process, or were missed. */
  restore(playlists: readonly StoredItem[]): void {
    for (const item of playlists) this.#take(item)
  }

  /**
   * Before a playlist is judged: learns, of what it names, what is not in memory. Never throws.
   */
  async learn(upload: JudgedUpload): Promise<void> {
    const { shared, judge } = this.#options
    const unknown = judge.unknownKeys(upload, LOOKED_UP_MAX)
    if (unknown.length > 0) await shared.find(unknown)
  }

  /** Until when a key may be waited for that is being uploaded elsewhere; `undefined` when none is known. */
  uploadUntilMs(storeKey: StoreKey): number | undefined {
    const { shared, clock } = this.#options
    return shared.isUploadedElsewhere(storeKey) ? clock.monotonicMs() + HOLD_UPLOAD_MS : undefined
  }

  close(): void {
    this.#stopListening()
  }

  async #changed(change: RemoteChange): Promise<void> {
    const { waiters } = this.#options
    if (change.kind === 'all') {
      waiters.wakeAll()
      this.#restoreAgain()
      return
    }
    const { storeKey } = change
    if (change.kind === 'upload') await this.#uploadChanged(storeKey, change.wasUploading)
    else if (isPlaylist(storeKey)) await this.#readPlaylist(storeKey)
    else this.#itemChanged(storeKey)
    waiters.wake(storeKey)
  }

  #itemChanged(storeKey: StoreKey): void {
    const { onSettled, channels } = this.#options
    onSettled(storeKey)
    if (channels.isAwaited(storeKey)) void this.#settle(storeKey)
  }

  /** A segment that is missing here was written there. */
  async #settle(storeKey: StoreKey): Promise<void> {
    const { shared, channels } = this.#options
    await shared.find([storeKey])
    const item = shared.inspect(storeKey)
    if (typeof item !== 'string') channels.stored(item)
  }

  async #readPlaylist(storeKey: StoreKey): Promise<void> {
    const { shared } = this.#options
    try {
      const item = await shared.load(storeKey)
      if (item === undefined) return
      const now = shared.inspect(storeKey)
      // This node has written a newer one meanwhile, or it is gone.
      if (now === 'absent' || (now !== 'elsewhere' && now.etag !== item.etag)) return
      this.#take(item)
    } catch {
      // Ignored: the store has said that it does not answer, and will say when anything may be new.
    }
  }

  /** One that was known is over, or goes on; if it was given up, nobody has to wait for the key. */
  async #uploadChanged(storeKey: StoreKey, wasUploading: boolean): Promise<void> {
    if (!wasUploading) return
    const { shared, onSettled } = this.#options
    try {
      const item = await shared.load(storeKey)
      if (item === undefined && !shared.isUploadedElsewhere(storeKey)) onSettled(storeKey)
    } catch {
      // Ignored: who waits finds out for itself.
    }
  }

  #take(item: StoredItem): void {
    const { channels, events } = this.#options
    channels.writtenElsewhere(item)
    events.emit('playlist-elsewhere', item)
  }

  /** Once more when it was asked for meanwhile. */
  #restoreAgain(): void {
    this.#isRestoreDue = true
    this.#restoring ??= this.#restoreWhileDue().finally(() => {
      this.#restoring = undefined
    })
  }

  async #restoreWhileDue(): Promise<void> {
    const { shared } = this.#options
    while (this.#isRestoreDue) {
      this.#isRestoreDue = false
      const playlists = await shared.restorePlaylists(FORGET_MS)
      for (const item of playlists) {
        const now = shared.inspect(item.storeKey)
        // What was written here meanwhile is newer.
        if (typeof now === 'string' || now.etag === item.etag) this.#take(item)
      }
    }
  }
}

function isPlaylist(storeKey: StoreKey): boolean {
  return kindOfKey(splitStoreKey(storeKey).key) === 'playlist'
}
