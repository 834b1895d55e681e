/**
 * Follows one media playlist: loads it at the pace of the protocol, has its segments transferred, and
 * stores it again, with local names, when what it names is there.
 */

import { nameOfLost } from './local-names.ts'
import { parseMediaDocument } from './media-document.ts'
import type { MediaDocument } from './media-document.ts'
import { formatMediaText } from './media-text.ts'
import { PlaylistPublisher } from './playlist-publisher.ts'
import { ttlSecondsFor } from './pull-shared.ts'
import type { PullShared } from './pull-shared.ts'
import { reloadDelayMs, staleAfterMs } from './reload-pace.ts'
import { SegmentPusher } from './segment-pusher.ts'
import { SegmentWindow } from './segment-window.ts'
import type { SourceAnswer, SourceFailure, SourceValidators } from './source-client.ts'
import { showUrl } from './source-url.ts'

export interface FollowerOptions {
  readonly shared: PullShared
  readonly url: URL
  /** What it is called in messages. */
  readonly label: string
  /** Where its playlist goes, after the prefix. */
  readonly playlistName: string
  /** Where the rest goes, with its slash. */
  readonly folder: string
  /** Before names in its playlist: the folder when the playlist is not in it. */
  readonly uriPrefix: string
  /** What the multivariant playlist defines. */
  readonly variables?: ReadonlyMap<string, string>
  /** An answer that is there already. */
  readonly first?: SourceAnswer
  /** Called when something of what this shows has changed. */
  readonly onChange: () => void
}

const PLAYLIST_ANSWER_MS_MAX = 15_000
/** A source that has failed so often in a row is not waited for by others. */
export const FAILURES_MAX = 6
const REASONS_TOLD_MAX = 10

export class RenditionFollower {
  readonly #options: FollowerOptions
  readonly #window: SegmentWindow
  readonly #pusher: SegmentPusher
  readonly #publisher: PlaylistPublisher
  #url: URL
  #spareUrl: URL | undefined
  #raw: Buffer | undefined
  #validators: SourceValidators | undefined
  /** Of the last document: after redirects. */
  #documentUrl: URL
  #isWhole = false
  #isStopped = false
  #hasEnded = false
  #failureCount = 0
  #isRefused = false
  /** Since it last answered well. */
  readonly #toldReasons = new Set<string>()
  #startedAtMonotonicMs = 0
  #progressAtMonotonicMs = 0
  #isStale = false
  #ttlSeconds = 0
  #outageCount = 0
  #fatal: Error | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#url = options.url
    this.#documentUrl = options.url
    this.#window = new SegmentWindow(options.shared.lastSeconds)
    const { shared, label, folder, uriPrefix, playlistName } = options
    const isOver = () => this.#isOver
    this.#pusher = new SegmentPusher({
      ...{ shared, label, folder, uriPrefix, isOver, window: this.#window },
      policy: () => ({
        ttlSeconds: this.#ttlSeconds,
        targetDurationSeconds: this.targetDurationSeconds,
        isWhole: this.#isWhole,
      }),
      onSettled: () => this.#publish(),
      onFatal: (error) => this.#end(error),
    })
    this.#publisher = new PlaylistPublisher({
      ...{ shared, label, playlistName, isOver },
      text: () => this.#textToPublish(),
      ttlSeconds: () => this.#ttlSeconds,
      isSound: () => this.#isSound(),
      isWhole: () => this.#isWhole,
    })
  }

  get playlistName(): string {
    return this.#options.playlistName
  }

  /** Its playlist can be read from the cache. */
  get isPublished(): boolean {
    return this.#publisher.isPublished
  }

  /** It will not change any more. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** It was not live when it was first read. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  get isStale(): boolean {
    return this.#isStale
  }

  /** Nothing has come for so long that nobody should wait for it. */
  get isFailing(): boolean {
    return this.#isRefused || this.#failureCount >= FAILURES_MAX
  }

  /** Loads in a row that failed. */
  get failureCount(): number {
    return this.#isRefused ? Math.max(1, this.#failureCount) : this.#failureCount
  }

  /** How far the end of what is stored is behind this machine's clock; absent without dates. */
  get edgeLagSeconds(): number | undefined {
    const last = this.#window.ready.at(-1)
    if (last?.programDateTimeMs === undefined) return undefined
    const endMs = last.programDateTimeMs + last.durationSeconds * 1000
    return (this.#options.shared.clock.nowMs() - endMs) / 1000
  }

  get targetDurationSeconds(): number {
    return this.#window.document?.targetDurationSeconds ?? 0
  }

  /**
   * Where the playlist is now. @param isSame  It is the same one, signed anew; else it is tried when
   * the one that is known fails.
   */
  offerUrl(url: URL, isSame: boolean): void {
    if (isSame) this.#url = url
    else this.#spareUrl = url
    if (this.#isRefused && url.href !== this.#options.url.href) this.#isRefused = false
  }

  /** Ends it after what it does just now. */
  stop(): void {
    this.#isStopped = true
  }

  /**
   * Until the playlist has ended, or all is.
   *
   * @throws HeadwaterError `HW_PULL_FAILED` when the cache takes nothing.
   */
  async run(): Promise<void> {
    const { shared, first } = this.#options
    const { clock, sleep, signal } = shared
    this.#startedAtMonotonicMs = clock.monotonicMs()
    this.#progressAtMonotonicMs = this.#startedAtMonotonicMs
    let answer = first
    while (!this.#isOver) {
      const startedAtMonotonicMs = clock.monotonicMs()
      const loaded = await this.#load(answer)
      answer = undefined
      if (loaded.kind === 'ended') {
        await this.#finish()
        break
      }
      if (this.#fatal !== undefined) break
      this.#judgeStale()
      this.#options.onChange()
      const delayMs = reloadDelayMs({
        targetDurationSeconds: this.targetDurationSeconds,
        isChanged: loaded.kind === 'changed',
        failureCount: this.#failureCount,
        retryAfterSeconds: loaded.kind === 'failed' ? loaded.retryAfterSeconds : undefined,
      })
      const spentMs = loaded.kind === 'failed' ? 0 : clock.monotonicMs() - startedAtMonotonicMs
      await sleep(Math.max(0, delayMs - spentMs), signal)
    }
    await this.#pusher.settled()
    if (this.#fatal !== undefined) throw this.#fatal
    this.#options.onChange()
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#options.shared.signal.aborted || this.#fatal !== undefined
  }

  async #load(
    ready: SourceAnswer | undefined,
  ): Promise<
    | { readonly kind: 'changed' | 'unchanged' | 'ended' }
    | { readonly kind: 'failed'; readonly retryAfterSeconds: number | undefined }
  > {
    const { client, bounds } = this.#options.shared
    const outcome =
      ready ??
      (await client.get({
        url: this.#url,
        bodyBytesMax: bounds.playlistBytesMax,
        answerMsMax: PLAYLIST_ANSWER_MS_MAX,
        known: this.#validators,
        isText: true,
      }))
    if (outcome.kind === 'failed') return this.#fail(outcome)
    if (outcome.kind === 'unchanged' || this.#raw?.equals(outcome.body) === true) {
      this.#recover()
      return { kind: 'unchanged' }
    }
    const document = parseMediaDocument(
      outcome.body.toString('utf8'),
      outcome.url,
      bounds,
      this.#options.variables,
    )
    if (typeof document === 'string') {
      return this.#fail({ reason: document, cause: 'broken', retryAfterSeconds: undefined })
    }
    this.#recover()
    this.#raw = outcome.body
    this.#validators = outcome.validators
    this.#documentUrl = outcome.url
    const isChanged = this.#accept(document)
    if (document.ended && isChanged) return { kind: 'ended' }
    return { kind: isChanged ? 'changed' : 'unchanged' }
  }

  #fail({ reason, cause, retryAfterSeconds }: Omit<SourceFailure, 'kind' | 'statusCode'>) {
    const { shared, label } = this.#options
    this.#failureCount += 1
    if (cause === 'refused' && !this.#isRefused) this.#isRefused = true
    const isTold = this.#toldReasons.has(reason) || this.#toldReasons.size >= REASONS_TOLD_MAX
    if (!isTold && !this.#isOver) {
      this.#toldReasons.add(reason)
      shared.events.say(`${label}: ${reason} (${showUrl(this.#url)}). Trying again.`)
    }
    // Its signature may have expired, or the server behind the name may have gone.
    if (this.#spareUrl !== undefined) {
      this.#url = this.#spareUrl
      this.#spareUrl = undefined
    }
    this.#validators = undefined
    return { kind: 'failed', retryAfterSeconds } as const
  }

  #recover(): void {
    const { shared, label } = this.#options
    if (this.#failureCount > 0) shared.events.say(`${label}: the source answers again.`)
    this.#failureCount = 0
    this.#isRefused = false
    this.#toldReasons.clear()
  }

  /** @returns Whether it was taken: copies from before are not. */
  #accept(document: MediaDocument): boolean {
    const { shared, label } = this.#options
    const isFirst = this.#window.document === undefined
    if (isFirst) this.#isWhole = document.ended
    const change = this.#window.accept(document, this.#isStale)
    if (change.kind === 'older') return false
    if (change.kind === 'reset') {
      const number = document.segments[0]?.mediaSequenceNumber ?? 0
      shared.events.say(`${label}: the source has begun anew, at number ${number}.`)
    }
    if (change.kind !== 'same' || document.ended) this.#progress()
    this.#ttlSeconds = ttlSecondsFor(shared.ttlSeconds, document)
    this.#pusher.learnUrls()
    this.#pusher.start(change.added)
    // Else the segments that are on their way see to it.
    if (this.#window.isComplete) void this.#publish()
    return true
  }

  #progress(): void {
    const { shared, label } = this.#options
    this.#progressAtMonotonicMs = shared.clock.monotonicMs()
    if (this.#isStale) shared.events.say(`${label}: the source goes on.`)
    this.#isStale = false
  }

  #judgeStale(): void {
    const { shared, label } = this.#options
    const silentMs = shared.clock.monotonicMs() - this.#progressAtMonotonicMs
    const isLive = this.#window.document !== undefined
    if (!isLive || this.#isStale || silentMs < staleAfterMs(this.targetDurationSeconds)) return
    this.#isStale = true
    const seconds = Math.round(silentMs / 1000)
    shared.events.say(`${label}: the source is stale: nothing new for ${seconds} s.`)
  }

  /** Everything is there or lost, and the playlist says that it has ended. */
  async #finish(): Promise<void> {
    await this.#pusher.settled()
    await this.#publish()
    // The cache may have lost what it had, and then it is under way again.
    await this.#pusher.settled()
    this.#hasEnded = !this.#isOver
  }

  /** Never throws. */
  async #publish(): Promise<void> {
    await this.#publisher.publish().catch((error: unknown) => this.#end(error))
    this.#options.onChange()
  }

  #end(error: unknown): void {
    this.#fatal ??= error instanceof Error ? error : new Error(String(error))
    this.#options.onChange()
  }

  /** After an outage: an origin that keeps objects in memory has lost what it had. */
  async #isSound(): Promise<boolean> {
    const { shared, folder, uriPrefix, label } = this.#options
    const { outageCount } = shared.local
    if (outageCount === this.#outageCount) return true
    const outcomes = this.#window.ready.map((segment) => this.#window.stateOf(segment)?.outcome)
    // The oldest: the newest may have been stored since.
    const oldest = outcomes.find((outcome) => typeof outcome === 'object')
    const name = typeof oldest === 'object' ? oldest.name.slice(uriPrefix.length) : undefined
    const isThere = name === undefined ? true : await shared.local.has(`${folder}${name}`)
    if (isThere === undefined) return true
    this.#outageCount = outageCount
    if (isThere) return true
    shared.events.say(`${label}: the cache has lost what it had: pulling it again.`)
    this.#pusher.forget()
    this.#pusher.start(this.#window.forget())
    return false
  }

  #textToPublish(): string | undefined {
    const { document, isComplete } = this.#window
    if (document === undefined) return undefined
    if (!isComplete) {
      // What is whole gets out as a whole; what is live, at first, if that does not take too long.
      const { clock } = this.#options.shared
      const startMs = clock.monotonicMs() - this.#startedAtMonotonicMs
      const isLate = startMs > staleAfterMs(document.targetDurationSeconds)
      if (this.#isWhole || (!this.isPublished && !isLate)) return undefined
    }
    const segments = this.#window.ready
    if (segments.length === 0 && document.segments.length > 0) return undefined
    return formatMediaText({
      document,
      segments,
      discontinuitySequence: this.#window.discontinuitySequence,
      ended: document.ended && isComplete,
      placeOf: (segment) => {
        const outcome = this.#window.stateOf(segment)?.outcome
        return typeof outcome === 'object' ? outcome : undefined
      },
      lostNameOf: ({ mediaSequenceNumber }) =>
        `${this.#options.uriPrefix}${nameOfLost(mediaSequenceNumber)}`,
      url: this.#documentUrl,
    })
  }
}
