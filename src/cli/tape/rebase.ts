/**
 * A tape as a live channel of now: segments get names of their own in each loop, playlists follow them,
 * numbers go on and dates are moved. HLS alone: a DASH manifest numbers by templates.
 */

import { gunzipSync, gzipSync } from 'node:zlib'
import { parseIsoTime } from '../../base/dates.ts'
import type { CacheName, ItemKey } from '../../base/names.ts'
import { rewriteUris } from '../../hls/playlist-uris.ts'
import { resolveToKey } from '../../hls/resolve.ts'
import type { PlaylistLocation } from '../../hls/resolve.ts'
import { kindOfKey } from '../../hls/kind.ts'
import { TEXT_BYTES_MAX } from '../../tape/recorded-body.ts'
import { tapeError } from '../../tape/tape-format.ts'
import { parseItemTarget } from '../../wire/target.ts'
import type { ItemTarget } from '../../wire/target.ts'
import { parsePlaylistText } from './playlist-text.ts'
import { prepareExactly } from './prepared-request.ts'
import type { PrepareRequest, PreparedRequest } from './prepared-request.ts'
import { RebasedPlaylist } from './rebased-playlist.ts'
import type { LoopOfPlaylist, SegmentRange } from './rebased-playlist.ts'
import { renameUri } from './rename-uri.ts'
import type { Tape, TapedRequest } from './tape-source.ts'

export interface RebaseOptions {
  readonly nowMs: () => number
  readonly isLastLoop: (loop: number) => boolean
}

/** Renditions whose numbers differ by no more are of one channel, and are cut alike. */
const APART_MAX = 3

/** Looks through the tape's playlists once. @throws HeadwaterError `HW_TAPE_INVALID`, `HW_TAPE_FILE`. */
export async function openRebase(tape: Tape, options: RebaseOptions): Promise<PrepareRequest> {
  const rebase = new Rebase(tape, options)
  await rebase.look()
  return (request, loop) => rebase.prepare(request, loop)
}

interface SeenPlaylist {
  readonly location: PlaylistLocation
  /** Media sequence number -> seconds, of segments on the tape. */
  readonly durations: Map<number, number>
}

class Rebase {
  readonly #tape: Tape
  readonly #options: RebaseOptions
  readonly #run: string
  readonly #uploaded = new Set<ItemKey>()
  readonly #seen = new Map<ItemKey, SeenPlaylist>()
  readonly #playlists = new Map<ItemKey, RebasedPlaylist>()
  #loopMs = 0
  #loop = -1
  #shiftMs = 0

  constructor(tape: Tape, options: RebaseOptions) {
    this.#tape = tape
    this.#options = options
    this.#run = Math.floor(options.nowMs() / 1000).toString(36)
  }

  async look(): Promise<void> {
    for (const request of this.#tape.requests) {
      const { key } = targetOf(request)
      const kind = kindOfKey(key)
      if (kind === 'manifest') throw tapeError('it has DASH manifests, and --rebase is for HLS')
      if (isUpload(request) && kind !== 'playlist') this.#uploaded.add(key)
    }
    for (const request of this.#tape.requests) await this.#lookAt(request)
    for (const [key, range] of rangesOf(this.#seen)) {
      this.#playlists.set(key, new RebasedPlaylist(range))
      this.#loopMs = Math.max(this.#loopMs, durationOf(this.#seen.get(key), range) * 1000)
    }
  }

  async prepare(request: TapedRequest, loop: number): Promise<PreparedRequest | undefined> {
    if (loop !== this.#loop) this.#begin(loop)
    const exact = prepareExactly(this.#tape, request)
    const { key } = targetOf(request)
    if (kindOfKey(key) !== 'playlist') {
      return this.#uploaded.has(key) ? this.#renamed(request, exact) : undeleted(request, exact)
    }
    const text = isUpload(request) ? await this.#textOf(request) : undefined
    if (text === undefined) return exact
    const rewritten = this.#rewrite(request, key, text.text)
    if (rewritten === undefined) return undefined
    const bytes = Buffer.from(rewritten, 'latin1')
    return withBody(exact, text.isPacked ? gzipSync(bytes) : bytes)
  }

  #begin(loop: number): void {
    const recordedAtMs = parseIsoTime(this.#tape.head.recordedAt) ?? this.#options.nowMs()
    const firstAt = this.#tape.requests[0]?.at ?? 0
    const toNowMs = this.#options.nowMs() - recordedAtMs - firstAt
    // Never back: a faster replay than the recording leaves the time of day behind.
    this.#shiftMs = loop === 0 ? toNowMs : Math.max(toNowMs, this.#shiftMs + this.#loopMs)
    this.#loop = loop
  }

  #rewrite(request: TapedRequest, key: ItemKey, text: string): string | undefined {
    const location = this.#locationOf(request)
    const rename = (uri: string) => {
      const named = resolveToKey(location, uri)
      return named !== undefined && this.#uploaded.has(named) ? renameUri(uri, this.#suffix) : uri
    }
    const media = parsePlaylistText(text)
    if (media === undefined) return rewriteUris(text, rename)
    const playlist = this.#playlists.get(key)
    const loop: LoopOfPlaylist = {
      ...{ loop: this.#loop, shiftMs: this.#shiftMs, rename },
      isLast: this.#options.isLastLoop(this.#loop),
      advanceOf: (uri) => {
        const named = resolveToKey(location, uri)
        const other = named === undefined ? undefined : this.#playlists.get(named)
        return (other?.segmentCount ?? 0) * this.#loop
      },
    }
    // None of its segments is on the tape.
    return playlist?.render(media, loop)
  }

  #renamed(request: TapedRequest, exact: PreparedRequest): PreparedRequest {
    const { path, query } = request
    const renamed = renameUri(query === '' ? path : `${path}?${query}`, this.#suffix)
    const question = renamed.indexOf('?')
    const newPath = question === -1 ? renamed : renamed.slice(0, question)
    const newQuery = question === -1 ? '' : renamed.slice(question + 1)
    return { ...exact, sent: { ...exact.sent, path: newPath, query: newQuery } }
  }

  get #suffix(): string {
    return `_r${this.#run}l${this.#loop}`
  }

  async #lookAt(request: TapedRequest): Promise<void> {
    const { key } = targetOf(request)
    if (!isUpload(request) || kindOfKey(key) !== 'playlist') return
    const text = await this.#textOf(request)
    const media = text === undefined ? undefined : parsePlaylistText(text.text)
    if (media === undefined) return
    const location = this.#locationOf(request)
    const seen = this.#seen.get(key) ?? { location, durations: new Map<number, number>() }
    this.#seen.set(key, seen)
    for (const { mediaSequenceNumber, uri, durationSeconds } of media.segments) {
      const named = resolveToKey(location, uri)
      if (named !== undefined && this.#uploaded.has(named)) {
        seen.durations.set(mediaSequenceNumber, durationSeconds)
      }
    }
  }

  #locationOf(request: TapedRequest): PlaylistLocation {
    const { key, keyForm } = targetOf(request)
    const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
    return {
      // The head's schema has the pattern of a name.
      cacheName: this.#tape.head.cache as CacheName,
      ...{ playlistKey: key, keyForm, ownHosts: host === undefined ? [] : [host.toLowerCase()] },
    }
  }

  async #textOf(
    request: TapedRequest,
  ): Promise<{ readonly text: string; readonly isPacked: boolean } | undefined> {
    if (request.isScrubbed === true || request.sizeBytes > TEXT_BYTES_MAX) return undefined
    const body = await this.#tape.read(request, 0, request.sizeBytes)
    const isPacked = body[0] === 0x1f && body[1] === 0x8b
    try {
      const plain = isPacked ? gunzipSync(body, { maxOutputLength: TEXT_BYTES_MAX }) : body
      return { text: plain.toString('latin1'), isPacked }
    } catch {
      // Ignored: damaged, or a bomb; it is sent as it is, and the origin says what it thinks of it.
      return undefined
    }
  }
}

function targetOf({ path, query }: TapedRequest): ItemTarget {
  return parseItemTarget(`/cache/tape/${path}${query === '' ? '' : `?${query}`}`)
}

function isUpload({ method, end, status }: TapedRequest): boolean {
  const isAccepted = status === 0 || (status >= 200 && status <= 299)
  return (method === 'PUT' || method === 'POST') && end === 'whole' && isAccepted
}

/** A delete of what is not on the tape has nothing to delete here. */
function undeleted(request: TapedRequest, exact: PreparedRequest): PreparedRequest | undefined {
  return request.method === 'DELETE' ? undefined : exact
}

/** The same pieces, the last one with the rest. */
function withBody(exact: PreparedRequest, body: Buffer): PreparedRequest {
  const { sent } = exact
  let leftBytes = body.length
  const pieces = exact.chunkBytes.length === 0 ? [body.length] : exact.chunkBytes
  const chunkBytes = pieces.map((bytes, index) => {
    const taken = index === pieces.length - 1 ? leftBytes : Math.min(leftBytes, bytes)
    leftBytes -= taken
    return taken
  })
  return {
    sent: sent.framing === 'length' ? { ...sent, lengthBytes: body.length } : sent,
    chunkBytes,
    sizeBytes: body.length,
    read: (offset, size) => Promise.resolve(body.subarray(offset, offset + size)),
  }
}

/** Which segments each playlist plays: the same numbers in all renditions that are numbered alike. */
function rangesOf(seen: ReadonlyMap<ItemKey, SeenPlaylist>): Map<ItemKey, SegmentRange> {
  const own = new Map<ItemKey, SegmentRange>()
  for (const [key, { durations }] of seen) {
    if (durations.size === 0) continue
    let from = Infinity
    let to = 0
    for (const number of durations.keys()) {
      from = Math.min(from, number)
      to = Math.max(to, number + 1)
    }
    own.set(key, { from, to })
  }
  const all = [...own.values()]
  const from = all.reduce((most, range) => Math.max(most, range.from), 0)
  const to = all.reduce((least, range) => Math.min(least, range.to), Infinity)
  const areAlike =
    from < to && all.every((range) => from - range.from <= APART_MAX && range.to - to <= APART_MAX)
  if (areAlike) for (const key of own.keys()) own.set(key, { from, to })
  return own
}

function durationOf(seen: SeenPlaylist | undefined, { from, to }: SegmentRange): number {
  let seconds = 0
  for (const [number, duration] of seen?.durations ?? []) {
    if (number >= from && number < to) seconds += duration
  }
  return seconds
}
