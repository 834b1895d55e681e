/**
 * Judges a playlist before it is stored: by the rules of `hls/`, with what is stored and what the
 * channel model knows of the playlists beside it. Changes nothing; telling is `findings.ts`'s.
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { MediaPlaylist, MultivariantPlaylist, Playlist } from '../hls/playlist.ts'
import { resolveToKey } from '../hls/resolve.ts'
import { endOf } from '../hls/succession.ts'
import {
  renditionStateOf,
  validateAgainstStore,
  validateBitrates,
  validateRenditions,
} from '../hls/validate-channel.ts'
import { isLatePlaylist, validateMediaPlaylist } from '../hls/validate-media-playlist.ts'
import { validateMultivariant } from '../hls/validate-multivariant.ts'
import type { Finding } from '../hls/validation-rules.ts'
import type { PeekResult, Store, StoredItem } from '../storage/store.ts'
import type { ChannelModel } from './channel-model.ts'
import type { Multivariant } from './channel-topology.ts'
import { notesOf } from './item-notes.ts'
import { nameOfKey, staleAfterMs } from './rendition-record.ts'
import { writtenAfter } from './written-after.ts'

export interface PlaylistJudgeOptions {
  readonly store: Store
  readonly clock: Clock
  readonly channels: ChannelModel
  /** Whether an upload of a key is in progress. */
  readonly isUploading: (storeKey: StoreKey) => boolean
}

/** An upload to be judged. */
export interface JudgedUpload {
  readonly storeKey: StoreKey
  readonly keyForm: 'path' | 'query'
  readonly playlist: Playlist
}

export interface Verdict {
  readonly findings: readonly Finding[]
  /** An older version of what is stored that came late: to store it would take viewers back. */
  readonly isLate: boolean
  /** What shows only beside the other playlists of its channel, and the key that stands for that. */
  readonly ofChannel:
    { readonly storeKey: StoreKey; readonly findings: readonly Finding[] } | undefined
}

/** What a URI of the upload leads to; `undefined` for what is not ours. */
type Look = (uri: string) => PeekResult | undefined

export class PlaylistJudge {
  readonly #options: PlaylistJudgeOptions

  constructor(options: PlaylistJudgeOptions) {
    this.#options = options
  }

  /** What a media playlist names and nothing is known of, from its end back, at most `limit` keys. */
  unknownKeys(upload: JudgedUpload, limit: number): readonly StoreKey[] {
    const { playlist } = upload
    if (playlist.kind !== 'media') return []
    const resolve = this.#resolver(upload)
    const { segments, initUris, keyUris } = playlist
    const parts = [...segments.flatMap((segment) => segment.parts), ...playlist.openParts]
    const unknown = new Set<StoreKey>()
    const add = (uri: string) => {
      const storeKey = unknown.size < limit ? resolve(uri) : undefined
      if (storeKey === undefined) return
      if (this.#options.store.inspect(storeKey) === 'elsewhere') unknown.add(storeKey)
    }
    for (const uri of [...initUris, ...keyUris].toReversed()) add(uri)
    for (const { uri } of segments.toReversed()) add(uri)
    for (const uri of playlist.isSummary ? playlist.lastSegmentUris.toReversed() : []) add(uri)
    for (const { uri } of parts.toReversed()) add(uri)
    return [...unknown]
  }

  judge(upload: JudgedUpload): Verdict {
    const { playlist, storeKey } = upload
    return playlist.kind === 'multivariant'
      ? this.#judgeMultivariant(upload, playlist)
      : this.#judgeMedia(upload, playlist, storeKey)
  }

  #judgeMultivariant(upload: JudgedUpload, next: MultivariantPlaylist): Verdict {
    const resolve = this.#resolver(upload)
    const isSelf = (uri: string) => resolve(uri) === upload.storeKey
    return {
      findings: validateMultivariant({ next, isSelf }),
      isLate: false,
      ofChannel: undefined,
    }
  }

  #judgeMedia(upload: JudgedUpload, next: MediaPlaylist, storeKey: StoreKey): Verdict {
    const before = this.#options.store.inspect(storeKey)
    const stored = typeof before === 'string' ? undefined : before
    const known = stored === undefined ? undefined : notesOf(stored).playlist
    const previous = known?.kind === 'media' ? known : undefined
    const resolve = this.#resolver(upload)
    const look: Look = (uri) => {
      const found = resolve(uri)
      return found === undefined ? undefined : this.#options.store.inspect(found)
    }
    const isUploading = (uri: string) => {
      const found = resolve(uri)
      return found !== undefined && this.#options.isUploading(found)
    }
    const isAfter = stored === undefined ? undefined : storedAfter(stored)
    const namesNewerSegments =
      isAfter === undefined
        ? undefined
        : // From the newest: with a running encoder the first look answers.
          next.segments.findLast(({ uri }) => isAfter(look(uri)) || isUploading(uri)) !== undefined
    const findings = [
      ...validateMediaPlaylist({ previous, next, namesNewerSegments }),
      ...validateAgainstStore({
        next,
        previous,
        isStored: (uri) => {
          const item = look(uri)
          // Somewhere else, or on its way, is not missing.
          if (item === undefined || item === 'elsewhere' || isUploading(uri)) return undefined
          return item !== 'absent'
        },
      }),
      ...validateBitrates({
        next,
        previous,
        sizeBytesOf: (uri) => {
          const item = look(uri)
          return typeof item === 'object' ? item.sizeBytes : undefined
        },
        bandwidthBitsPerSecond: this.#options.channels.topology.bandwidthOf(storeKey),
      }),
    ]
    const isLate =
      stored !== undefined &&
      previous !== undefined &&
      this.#isLate({ stored, previous, next, look, isUploading })
    return {
      findings: isLate ? findings.map(asIgnored) : findings,
      isLate,
      ofChannel: isLate ? undefined : this.#judgeBesideOthers(storeKey, next),
    }
  }

  /**
   * Its edge is behind the one that is stored, and all that it names is older than that. Not once the
   * stored one is stale, and not for one that ends: whoever goes on writing has the last word.
   */
  #isLate(upload: {
    readonly stored: StoredItem
    readonly previous: MediaPlaylist
    readonly next: MediaPlaylist
    readonly look: Look
    readonly isUploading: (uri: string) => boolean
  }): boolean {
    const { stored, previous, next, look, isUploading } = upload
    if (next.ended || next.segmentCount === 0 || endOf(next) >= endOf(previous)) return false
    const record = this.#options.channels.record(stored.storeKey)
    const staleMs = staleAfterMs(previous.targetDurationSeconds)
    const ageMs = record === undefined ? Infinity : 1000 * record.ageSeconds(this.#nowMs())
    if (ageMs > staleMs) return false
    const uris = next.isSummary ? next.lastSegmentUris : next.segments.map(({ uri }) => uri)
    const newest = uris.at(-1) ?? ''
    // The newest of another run is new, on its way, or was lost on its way.
    if (typeof look(newest) !== 'object') return false
    const isAfter = storedAfter(stored)
    for (const uri of uris) {
      const item = look(uri)
      // Older ones may have expired; of what is stored elsewhere nothing is known.
      if (item === undefined || item === 'elsewhere') return false
      if (isUploading(uri) || isAfter(item)) return false
    }
    return isLatePlaylist({ previous, next, namesNewerSegments: false })
  }

  /** Against the playlists that it plays with, in the first channel where something shows. */
  #judgeBesideOthers(storeKey: StoreKey, next: MediaPlaylist): Verdict['ofChannel'] {
    const { topology } = this.#options.channels
    if (next.segmentCount === 0) return undefined
    for (const multivariantKey of topology.namedBy(storeKey)) {
      const multivariant = topology.get(multivariantKey)
      if (multivariant?.primaryKeys.includes(storeKey) !== true) continue
      const findings = this.#compare(storeKey, next, multivariant)
      if (findings.length > 0) return { storeKey: multivariantKey, findings }
    }
    return undefined
  }

  /**
   * Only with what runs, and with what was written since the last of them began: after a restart of
   * the encoder one playlist is always ahead of the others.
   */
  #compare(
    storeKey: StoreKey,
    next: MediaPlaylist,
    multivariant: Multivariant,
  ): readonly Finding[] {
    const { channels } = this.#options
    const nowMs = this.#nowMs()
    const own = channels.record(storeKey)
    const isNewRun = own?.timeline.continues(next) !== true
    let runStartedMs = isNewRun ? nowMs : own.runStartedMonotonicMs
    const others = multivariant.primaryKeys.flatMap((key) => {
      const record = key === storeKey ? undefined : channels.record(key)
      const isJudged = record?.inChannel !== undefined && !record.ended && record.isCurrentAt(nowMs)
      if (!isJudged || record.segmentCount === 0) return []
      runStartedMs = Math.max(runStartedMs, record.runStartedMonotonicMs)
      return [record]
    })
    const states = others.flatMap((record) =>
      record.lastWriteMonotonicMs < runStartedMs ? [] : (record.inChannel ?? []),
    )
    if (states.length === 0) return []
    const name = nameOfKey(splitStoreKey(storeKey).key)
    return validateRenditions([...states, renditionStateOf(name, next)])
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs()
  }

  /** What is known already is not resolved again. */
  #resolver({ storeKey, keyForm }: JudgedUpload): (uri: string) => StoreKey | undefined {
    const { cacheName, key } = splitStoreKey(storeKey)
    const location = { cacheName, playlistKey: key, keyForm }
    const known = this.#options.channels.record(storeKey)?.live?.keysByUri
    return (uri) => {
      const storeKeyOfUri = known?.get(uri)
      if (storeKeyOfUri !== undefined) return storeKeyOfUri
      const found = resolveToKey(location, uri)
      return found === undefined ? undefined : toStoreKey(cacheName, found)
    }
  }
}

function storedAfter(stored: StoredItem): (item: PeekResult | undefined) => boolean {
  const isAfter = writtenAfter(stored)
  return (item) => typeof item === 'object' && isAfter(item) !== undefined
}

/** Rules that say that a playlist goes back. */
const BACK = new Set(['media-sequence-backwards', 'segments-removed-from-end'])

function asIgnored(finding: Finding): Finding {
  if (!BACK.has(finding.rule)) return finding
  const message = `${finding.message} It came late and was ignored: all it names is older than what is stored.`
  return { ...finding, message }
}
