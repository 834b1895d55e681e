/**
 * A whole pull: the source's first playlist, a follower for each media playlist that it names, and the
 * multivariant playlist when they are there. Ends when all have ended.
 */

import { HeadwaterError } from '../../base/errors.ts'
import { Bell } from './bell.ts'
import { nameOfPlaylist, RenditionFolders } from './local-names.ts'
import { parseMediaDocument } from './media-document.ts'
import {
  formatMultivariantText,
  isMultivariant,
  parseMultivariantDocument,
  structureOf,
} from './multivariant-document.ts'
import type { MultivariantDocument, NamedRendition } from './multivariant-document.ts'
import { ttlSecondsFor } from './pull-shared.ts'
import type { PullShared } from './pull-shared.ts'
import { RenditionFollower } from './rendition-follower.ts'
import type { SourceAnswer, SourceFailure, SourceValidators } from './source-client.ts'
import { identityOf, showUrl } from './source-url.ts'
import { transfer } from './transfer.ts'

export interface PullSessionOptions {
  readonly shared: PullShared
  readonly url: URL
  /** How often the multivariant playlist is looked at again, ms. */
  readonly multivariantEveryMs: number
}

/** How a pull ended. */
export interface PullEnd {
  /** All media playlists have ended, and not: somebody stopped it. */
  readonly hasEnded: boolean
  /** The source was not live when it was first read. */
  readonly isWhole: boolean
  /** Media playlists of which nothing could be stored, or which went away. */
  readonly failedCount: number
  readonly isPublished: boolean
}

const ANSWER_MS_MAX = 15_000
const FIRST_ATTEMPTS_MAX = 5
/** Renditions that fail this often are not waited for with the multivariant playlist. */
const READY_FAILURES_MAX = 2
const READY_MS_MAX = 30_000

export class PullSession {
  readonly #options: PullSessionOptions
  readonly #folders = new RenditionFolders()
  readonly #bell = new Bell()
  /** By {@link idOf}. */
  readonly #followers = new Map<string, RenditionFollower>()
  readonly #runs = new Set<Promise<void>>()
  #document: MultivariantDocument | undefined
  #validators: SourceValidators | undefined
  /** By URL. */
  readonly #fileNames = new Map<string, string>()
  #publishedText: string | undefined
  #publishedAtMonotonicMs = 0
  #isTold = false
  #fatal: Error | undefined

  constructor(options: PullSessionOptions) {
    this.#options = options
  }

  /** The key of the playlist to play, without the prefix. */
  get playlistName(): string {
    return nameOfPlaylist(this.#options.url)
  }

  get followers(): readonly RenditionFollower[] {
    return [...this.#followers.values()]
  }

  get isPublished(): boolean {
    return this.#document === undefined
      ? this.followers.some(({ isPublished }) => isPublished)
      : this.#publishedText !== undefined
  }

  /**
   * Until the end of the source or of the signal.
   *
   * @throws HeadwaterError `HW_PULL_FAILED` when the source cannot be read at first, or the cache takes
   * nothing.
   */
  async run(): Promise<PullEnd> {
    const first = await this.#loadFirst()
    if (first !== undefined) {
      const text = first.body.toString('utf8')
      if (isMultivariant(text)) await this.#followAll(first, text)
      else await this.#followOne(first)
    }
    // The ones that failed for good go on trying until here.
    for (const follower of this.followers) follower.stop()
    return {
      hasEnded: this.#haveAllEnded && this.followers.length > 0,
      isWhole: this.followers.every(({ isWhole, isPublished }) => isWhole || !isPublished),
      failedCount: this.followers.filter(({ isPublished }) => !isPublished).length,
      isPublished: this.isPublished,
    }
  }

  /** @returns `undefined` when it was stopped. */
  async #loadFirst(): Promise<SourceAnswer | undefined> {
    const { shared, url } = this.#options
    for (let attempt = 1; !shared.signal.aborted; attempt++) {
      const outcome = await this.#load(url)
      if (outcome.kind === 'answer') return outcome
      if (outcome.kind === 'unchanged') continue
      const isForGood =
        outcome.cause === 'refused' || [401, 403, 404, 410].includes(outcome.statusCode ?? 0)
      if (shared.signal.aborted) break
      if (isForGood || attempt >= FIRST_ATTEMPTS_MAX) throw unreadable(url, outcome)
      if (attempt === 1) shared.events.say(`${showUrl(url)}: ${outcome.reason}. Trying again.`)
      const waitMs = Math.max((outcome.retryAfterSeconds ?? 0) * 1000, 500 * 2 ** attempt)
      await shared.sleep(waitMs, shared.signal)
    }
    return undefined
  }

  #load(url: URL) {
    const { client, bounds } = this.#options.shared
    const bodyBytesMax = bounds.playlistBytesMax
    const known = this.#validators
    return client.get({ url, bodyBytesMax, answerMsMax: ANSWER_MS_MAX, known, isText: true })
  }

  async #followOne(first: SourceAnswer): Promise<void> {
    const { shared, url } = this.#options
    const document = parseMediaDocument(first.body.toString('utf8'), first.url, shared.bounds)
    // What is none now may be one later only if it was one before.
    if (typeof document === 'string') throw unreadable(url, toFailure(document))
    const folder = `${this.#folders.nameOf('media', url, 0)}/`
    shared.events.say('The source is one media playlist.')
    const follower = new RenditionFollower({
      shared,
      url,
      label: 'playlist',
      playlistName: this.playlistName,
      folder,
      uriPrefix: folder,
      first,
      onChange: () => this.#tellPublished(),
    })
    this.#followers.set('', follower)
    await follower.run()
    if (!follower.isPublished && !shared.signal.aborted) throw nothingToStore(url)
  }

  async #followAll(first: SourceAnswer, text: string): Promise<void> {
    const { shared, url, multivariantEveryMs } = this.#options
    const document = parseMultivariantDocument(text, first.url, shared.bounds)
    if (typeof document === 'string') {
      throw unreadable(url, toFailure(document))
    }
    this.#validators = first.validators
    await this.#take(document)
    const startedAtMonotonicMs = shared.clock.monotonicMs()
    let lookedAtMonotonicMs = startedAtMonotonicMs
    while (!shared.signal.aborted && this.#fatal === undefined) {
      const nowMonotonicMs = shared.clock.monotonicMs()
      const isLate = nowMonotonicMs - startedAtMonotonicMs > READY_MS_MAX
      if (this.#isReady(isLate)) await this.#publish()
      if (this.#haveAllEnded) break
      if (this.#haveAllFailed) throw nothingToStore(url)
      const dueInMs = lookedAtMonotonicMs + multivariantEveryMs - nowMonotonicMs
      if (dueInMs <= 0) {
        lookedAtMonotonicMs = nowMonotonicMs
        await this.#look()
      }
      await this.#bell.wait(Math.max(dueInMs, 1000), shared.sleep, shared.signal)
    }
    for (const follower of this.followers) follower.stop()
    if (this.#fatal !== undefined) throw this.#fatal
  }

  /** Whether what can be there is there, so that the playlist that names it may be. */
  #isReady(isLate: boolean): boolean {
    const isSettled = (follower: RenditionFollower) =>
      follower.isPublished || follower.failureCount >= READY_FAILURES_MAX || isLate
    return this.followers.every(isSettled) && this.followers.some(({ isPublished }) => isPublished)
  }

  get #haveAllEnded(): boolean {
    const { followers } = this
    const isOver = (follower: RenditionFollower) => follower.hasEnded || follower.isFailing
    return followers.some(({ hasEnded }) => hasEnded) && followers.every(isOver)
  }

  /** From the beginning, that is: a source that goes away may come back. */
  get #haveAllFailed(): boolean {
    return this.followers.every(({ isFailing, isPublished }) => isFailing && !isPublished)
  }

  /** The multivariant playlist again: variants come and go, and URLs are signed anew. */
  async #look(): Promise<void> {
    const { shared, url } = this.#options
    const outcome = await this.#load(url)
    if (outcome.kind !== 'answer') return
    const text = outcome.body.toString('utf8')
    const document = parseMultivariantDocument(text, outcome.url, shared.bounds)
    if (typeof document === 'string') {
      shared.events.say(`The multivariant playlist is not followed any more: ${document}.`)
      return
    }
    this.#validators = outcome.validators
    await this.#take(document)
  }

  async #take(document: MultivariantDocument): Promise<void> {
    const { shared } = this.#options
    const known = this.#document
    const isSame = known !== undefined && structureOf(known) === structureOf(document)
    if (isSame && known.renditions.length === document.renditions.length) {
      this.#offerUrls(known.renditions, document.renditions)
      return
    }
    this.#document = document
    const names = countKinds(document.renditions)
    shared.events.say(`The source has ${names}${known === undefined ? '.' : ' now.'}`)
    const wanted = new Set(document.renditions.map(idOf))
    for (const [id, follower] of this.#followers) {
      if (wanted.has(id)) continue
      follower.stop()
      this.#followers.delete(id)
    }
    for (const rendition of document.renditions) {
      const follower = this.#followers.get(idOf(rendition))
      if (follower === undefined) this.#follow(rendition, document)
      else follower.offerUrl(rendition.url, true)
    }
    await this.#pullFiles(document)
  }

  /** The same playlists, perhaps under other URLs: a session's paths must not become new renditions. */
  #offerUrls(known: readonly NamedRendition[], renditions: readonly NamedRendition[]): void {
    for (const [index, before] of known.entries()) {
      const now = renditions[index]
      if (now === undefined || now.url.href === before.url.href) continue
      this.#followers.get(idOf(before))?.offerUrl(now.url, idOf(now) === idOf(before))
    }
  }

  #follow(rendition: NamedRendition, document: MultivariantDocument): void {
    const name = this.#folders.nameOf(rendition.kind, rendition.url, rendition.ordinal)
    const follower = new RenditionFollower({
      shared: this.#options.shared,
      url: rendition.url,
      label: name,
      playlistName: `${name}/playlist.m3u8`,
      folder: `${name}/`,
      uriPrefix: '',
      variables: document.variables,
      onChange: () => this.#bell.ring(),
    })
    this.#followers.set(idOf(rendition), follower)
    const run = follower.run().catch((error: unknown) => {
      this.#fatal ??= error instanceof Error ? error : new Error(String(error))
      this.#bell.ring()
    })
    this.#runs.add(run)
    void run.finally(() => this.#runs.delete(run))
  }

  /** Session keys and session data. What is lost is left out. */
  async #pullFiles({ files }: MultivariantDocument): Promise<void> {
    const { shared } = this.#options
    for (const { url, kind } of files) {
      if (this.#fileNames.has(url.href) || shared.signal.aborted) continue
      const folder = `${this.#folders.nameOf('media', this.#options.url, 0)}/`
      const stored = await transfer(
        shared,
        { url, range: undefined },
        {
          ...{ kind, mediaSequenceNumber: 0, folder, ttlSeconds: this.#ttlSeconds },
          ...{ lostAfterMs: 4000, answerMsMax: ANSWER_MS_MAX, isWanted: () => true },
        },
      )
      if (stored.kind === 'stored') this.#fileNames.set(url.href, `${folder}${stored.name}`)
      else shared.events.say(`A file of the session is lost: ${stored.reason} (${showUrl(url)}).`)
    }
  }

  async #publish(): Promise<void> {
    const { shared } = this.#options
    const document = this.#document
    if (document === undefined) return
    const playlistNames = new Map(
      document.renditions.map((rendition) => [
        rendition.url.href,
        this.#followers.get(idOf(rendition))?.playlistName,
      ]),
    )
    const text = formatMultivariantText(
      document,
      (href) => playlistNames.get(href) ?? this.#fileNames.get(href),
    )
    const nowMonotonicMs = shared.clock.monotonicMs()
    // Again long before it expires.
    const isOld = nowMonotonicMs - this.#publishedAtMonotonicMs > this.#ttlSeconds * 333
    if (text === this.#publishedText && !isOld) return
    const ttlSeconds = this.#ttlSeconds
    const outcome = await shared.local.put(this.playlistName, Buffer.from(text), { ttlSeconds })
    if (outcome.kind === 'unavailable') return
    if (outcome.kind === 'refused') {
      throw new HeadwaterError('HW_PULL_FAILED', `The multivariant playlist: ${outcome.reason}.`)
    }
    shared.events.playlistStored()
    this.#publishedText = text
    this.#tellPublished()
    this.#publishedAtMonotonicMs = nowMonotonicMs
  }

  #tellPublished(): void {
    if (this.#isTold || !this.isPublished) return
    this.#isTold = true
    this.#options.shared.events.published()
  }

  get #ttlSeconds(): number {
    const { ttlSeconds } = this.#options.shared
    const ended = this.followers.every(({ isWhole }) => isWhole)
    return ttlSecondsFor(ttlSeconds, { ended, segments: [] })
  }
}

/** Which rendition it is, however its URL is signed. */
function idOf({ url, ordinal }: NamedRendition): string {
  return `${ordinal} ${identityOf(url)}`
}

function countKinds(renditions: readonly NamedRendition[]): string {
  const counts = new Map<string, number>()
  for (const { kind } of renditions) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const parts = [...counts].map(([kind, count]) => `${count} ${kind}`)
  return `${renditions.length} media playlists (${parts.join(', ')})`
}

function toFailure(reason: string): Pick<SourceFailure, 'reason' | 'cause' | 'statusCode'> {
  return { reason, cause: 'broken', statusCode: undefined }
}

function unreadable(
  url: URL,
  { reason, cause, statusCode }: Pick<SourceFailure, 'reason' | 'cause' | 'statusCode'>,
): HeadwaterError {
  const detail =
    cause === 'refused'
      ? 'If you trust the source and it is yours: --allow-private for private addresses, --allow-address CIDR for others.'
      : statusCode === 401 || statusCode === 403
        ? 'Put the credential into the URL, as the source wants it: https://user:password@… or its query. It is used for the source alone.'
        : 'Ask for it from this machine by curl; it has to be an HLS playlist (#EXTM3U).'
  return new HeadwaterError(
    'HW_PULL_FAILED',
    `The source ${showUrl(url)} cannot be pulled: ${reason}.`,
    { detail },
  )
}

function nothingToStore(url: URL): HeadwaterError {
  return new HeadwaterError('HW_PULL_FAILED', `Nothing of ${showUrl(url)} could be stored.`, {
    detail: 'The lines above say what each of its playlists lacks.',
  })
}
