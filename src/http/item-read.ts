/**
 * GET and HEAD of an item: finds it, waits for it or reads it while it is written, and chooses the
 * representation. Synchronous from the hot store. Sending is `item-send.ts`'s.
 */

import { canWrite } from '../auth/grant.ts'
import type { ReaderTokens } from '../auth/reader-tokens.ts'
import type { Cache } from '../origin/caches.ts'
import type { Origin } from '../origin/origin.ts'
import type { Overload } from '../origin/overload.ts'
import type { Representation, Representations } from '../origin/representations.ts'
import type { ReloadAnswer } from '../origin/blocking-reload.ts'
import type { Wait } from '../origin/waiters.ts'
import type { StoredItem } from '../storage/store.ts'
import { acceptsGzip } from '../wire/accept-encoding.ts'
import type { DeliveryDirectives } from '../wire/delivery-directives.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import type { ItemTarget } from '../wire/target.ts'
import type { Allowed } from './item-access.ts'
import type { ItemAnswers } from './item-answers.ts'
import type { ItemSend } from './item-send.ts'
import { streamUpload } from './item-stream.ts'
import { waitWithClient } from './item-wait.ts'
import { recordOf } from './request-record.ts'

export interface ItemReadOptions {
  readonly origin: Origin
  readonly representations: Representations
  readonly readerTokens: ReaderTokens
  readonly overload: Overload
  readonly answers: ItemAnswers
  readonly send: ItemSend
  /** Host and port under which this origin is known, lower case. */
  readonly publicHosts: () => readonly string[]
  /** Whether a first upload may be read while it is written. */
  readonly readInProgress: boolean
  /** Whether playlists may be gzip-coded. */
  readonly gzip: boolean
  /** A reader that takes nothing for this long is cut. */
  readonly readerStallMs: number
}

/** What a test rig makes of a read. */
export interface ReadFault {
  /** The object to serve, of the one that is stored. */
  readonly replace: (item: StoredItem) => StoredItem
  /** The form to send, of the one that this reader would get. */
  readonly reshape: (item: StoredItem, form: Representation) => Representation
}

/** A read that is allowed. */
export interface ItemReading {
  readonly request: ItemRequest
  readonly response: ItemResponse
  readonly target: ItemTarget
  readonly allowed: Allowed
  /** `undefined` but on a test rig. */
  readonly fault: ReadFault | undefined
}

/** The same, of a cache that exists. */
interface CacheReading extends ItemReading {
  readonly cache: Cache
  /** A blocking reload that has waited: when it is to be given up. */
  readonly reloadUntilMs: number | undefined
}

/** What of an item is served: the whole of it, or a delta update. */
interface Served {
  readonly item: StoredItem
  readonly base: Representation
  /** `max-age`, when it is not the item's own. */
  readonly maxAgeSeconds: number | undefined
}

export class ItemRead {
  readonly #options: ItemReadOptions

  constructor(options: ItemReadOptions) {
    this.#options = options
  }

  /** Answers it; a promise when something has to be waited for. */
  read(reading: ItemReading, reloadUntilMs?: number): void | Promise<void> {
    const { origin, answers } = this.#options
    const { request, response, target, allowed, fault } = reading
    const cache = origin.caches.get(target.cacheName)
    if (cache === undefined) return answers.refuse(request, response, 'cache-not-found')
    const found = origin.peek(target.storeKey)
    const cacheReading: CacheReading = {
      request,
      response,
      target,
      allowed,
      fault,
      cache,
      reloadUntilMs,
    }
    if (found === 'elsewhere') return this.#readThrough(cacheReading)
    if (found === 'absent') return this.#miss(cacheReading)
    return this.#found(cacheReading, found)
  }

  async #readThrough(reading: CacheReading): Promise<void> {
    const { origin, representations, send } = this.#options
    const { request, response, target } = reading
    const described = origin.describe(target.storeKey)
    // Its head needs no body, unless it is a text that is made for its reader.
    if (
      described !== undefined &&
      !representations.hasUris(described) &&
      send.needsNoBody(request, described)
    ) {
      return this.#found(reading, described)
    }
    const item = await origin.load(target.storeKey)
    if (response.destroyed) return
    const record = recordOf(response)
    if (record !== undefined) record.isReadThrough = true
    if (item === undefined) await this.#miss(reading)
    else await this.#found(reading, item)
  }

  /** Not there, or not there yet: a first upload in progress is read as it comes. */
  #miss(reading: CacheReading): void | Promise<void> {
    const { origin, answers, readerStallMs, readInProgress } = this.#options
    const { request, response, target, cache, reloadUntilMs } = reading
    if (reloadUntilMs !== undefined) origin.reloads.counts.gone++
    const upload = readInProgress ? origin.firstUpload(target.storeKey) : undefined
    // HTTP/1.0 knows no chunks: the end of a torn body could not be told from its whole.
    if (upload === undefined || request.httpVersionMinor === 0) {
      const wait = origin.hold(cache, target.storeKey)
      if (wait !== undefined) return this.#held(reading, wait)
      return answers.refuse(request, response, 'key-not-found')
    }
    const item = origin.describeUpload(upload)
    streamUpload(request, response, upload, item, { answers, readerStallMs })
  }

  /** A segment that its playlist announced a moment too early. */
  async #held(reading: CacheReading, wait: Wait): Promise<void> {
    const { request, response } = reading
    const outcome = await waitWithClient(request, response, wait)
    if (response.destroyed) return
    if (outcome === 'changed') return this.read(reading)
    const reason = outcome === 'closing' ? 'stopping' : 'key-not-found'
    this.#options.answers.refuse(request, response, reason)
  }

  #found(reading: CacheReading, stored: StoredItem): void | Promise<void> {
    const { origin, overload, answers } = this.#options
    const item = reading.fault === undefined ? stored : reading.fault.replace(stored)
    const { request, response, target, cache, reloadUntilMs } = reading
    const staleSeconds = origin.staleSeconds(cache, item)
    if (staleSeconds !== undefined) {
      recordOf(response)?.found(item)
      if (reloadUntilMs !== undefined) origin.reloads.counts.gone++
      const detail = `The live playlist is stale: nothing was written for ${Math.floor(staleSeconds)} s.`
      return answers.refuse(request, response, 'stale', { detail })
    }
    if (overload.refuses(item)) {
      recordOf(response)?.found(item)
      return answers.refuse(request, response, 'overloaded')
    }
    return target.directives !== undefined && cache.settings.lowLatency
      ? this.#directed(reading, item, target.directives)
      : this.#answer(reading, { item, base: item, maxAgeSeconds: undefined })
  }

  /** A playlist that is asked for by `_HLS_msn`, `_HLS_part` or `_HLS_skip`. */
  #directed(
    reading: CacheReading,
    item: StoredItem,
    directives: DeliveryDirectives,
  ): void | Promise<void> {
    const { origin, answers, representations } = this.#options
    const { request, response } = reading
    const form = origin.deltas.formOf(item, directives)
    if (form === 'malformed') {
      recordOf(response)?.found(item)
      return answers.refuse(request, response, 'directive-invalid')
    }
    const reload = origin.reloads.answer(item, directives, reading.reloadUntilMs)
    if (reload.kind === 'wait') return this.#reloadHeld(reading, reload)
    if (reload.kind === 'refuse') {
      recordOf(response)?.found(item)
      return answers.refuse(request, response, reload.reason)
    }
    const base = form === undefined ? item : representations.delta(item, form)
    return this.#answer(reading, { item, base, maxAgeSeconds: reload.maxAgeSeconds })
  }

  /** Looks at the playlist again when it has changed, is gone, or the time is up. */
  async #reloadHeld(
    reading: CacheReading,
    { wait, untilMonotonicMs }: Extract<ReloadAnswer, { kind: 'wait' }>,
  ): Promise<void> {
    const { origin, answers } = this.#options
    const { request, response } = reading
    const outcome = await waitWithClient(request, response, wait)
    if (outcome === 'changed' || outcome === 'over') {
      if (!response.destroyed) return this.read(reading, untilMonotonicMs)
      origin.reloads.counts.left++
      return
    }
    origin.reloads.counts[outcome === 'left' ? 'left' : 'stopping']++
    if (response.destroyed) return
    answers.refuse(request, response, outcome === 'closing' ? 'stopping' : 'reload-timeout')
  }

  #answer(reading: CacheReading, served: Served): void | Promise<void> {
    const form = this.#readersForm(reading, served)
    if (!(form instanceof Promise)) return this.#code(reading, served, form)
    return form.then((made) =>
      reading.response.destroyed ? undefined : this.#code(reading, served, made),
    )
  }

  /**
   * The playlist as this reader should have it. Who came with `?token=` finds it on every URI, since
   * players drop the query of a playlist; a key that can write is replaced by its read-only twin.
   */
  #readersForm(
    reading: CacheReading,
    { item, base }: Served,
  ): Representation | Promise<Representation> {
    const { representations, readerTokens, publicHosts } = this.#options
    const { target, allowed, cache } = reading
    const { grant, queryCredential } = allowed
    if (
      queryCredential === '' ||
      grant === undefined ||
      cache.settings.playlistTokens !== 'reader' ||
      !representations.hasUris(item)
    ) {
      return base
    }
    const withToken = (token: string): Representation => {
      const view = { token, keyForm: target.keyForm, ownHosts: publicHosts() }
      return representations.withToken(item, view, base)
    }
    if (!canWrite(grant)) return withToken(queryCredential)
    return readerTokens
      .forReading(queryCredential, grant)
      .then((token) => (token === undefined ? base : withToken(token)))
  }

  /** Identity, or gzip for who asks for it; a range is always of the identity bytes. */
  #code(
    reading: CacheReading,
    { item, base, maxAgeSeconds }: Served,
    readers: Representation,
  ): void | Promise<void> {
    const { representations, gzip, send } = this.#options
    const { request, response, fault } = reading
    const form = fault === undefined ? readers : fault.reshape(item, readers)
    const answer = (body: Representation) =>
      send.answer(request, response, {
        item,
        body,
        varies,
        // Its text holds somebody's credential.
        isPrivate: readers !== base,
        maxAgeSeconds,
      })
    const varies = gzip && representations.varies(item)
    if (!varies || request.headers.range !== undefined || !acceptsGzip(encodings(request))) {
      return answer(form)
    }
    const zipped = representations.gzip(form)
    if (!(zipped instanceof Promise)) return answer(zipped)
    return zipped.then((made) => (response.destroyed ? undefined : answer(made)))
  }
}

function encodings(request: ItemRequest): string | undefined {
  // Node joins repeated fields into one value; the type allows for a list all the same.
  return request.headers['accept-encoding']
}
