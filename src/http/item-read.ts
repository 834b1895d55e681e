/**
 * GET and HEAD of an item: finds it, waits for it or reads it while it is written, and chooses the
 * representation. Synchronous from the hot store. Sending is `item-send.ts`'s.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { canWrite } from '../auth/grant.ts'
import type { ReaderTokens } from '../auth/reader-tokens.ts'
import type { Cache } from '../origin/caches.ts'
import type { Origin } from '../origin/origin.ts'
import type { Overload } from '../origin/overload.ts'
import type { Representation, Representations } from '../origin/representations.ts'
import type { Wait } from '../origin/waiters.ts'
import type { StoredItem } from '../storage/store.ts'
import { acceptsGzip } from '../wire/accept-encoding.ts'
import type { ItemTarget } from '../wire/target.ts'
import type { Allowed } from './item-access.ts'
import type { ItemAnswers } from './item-answers.ts'
import type { ItemSend } from './item-send.ts'
import { streamUpload } from './item-stream.ts'
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

/** A read that is allowed. */
export interface ItemReading {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: ItemTarget
  readonly allowed: Allowed
}

/** The same, of a cache that exists. */
interface CacheReading extends ItemReading {
  readonly cache: Cache
}

export class ItemRead {
  readonly #options: ItemReadOptions

  constructor(options: ItemReadOptions) {
    this.#options = options
  }

  /** Answers it; a promise when something has to be waited for. */
  read(reading: ItemReading): void | Promise<void> {
    const { origin, answers } = this.#options
    const { request, response, target, allowed } = reading
    const cache = origin.caches.get(target.cacheName)
    if (cache === undefined) return answers.refuse(request, response, 'cache-not-found')
    const found = origin.peek(target.storeKey)
    const cacheReading: CacheReading = { request, response, target, allowed, cache }
    if (found === 'elsewhere') return this.#readThrough(cacheReading)
    if (found === 'absent') return this.#miss(cacheReading)
    return this.#found(cacheReading, found)
  }

  async #readThrough(reading: CacheReading): Promise<void> {
    const item = await this.#options.origin.load(reading.target.storeKey)
    if (reading.response.destroyed) return
    if (item === undefined) await this.#miss(reading)
    else await this.#found(reading, item)
  }

  /** Not there, or not there yet: a first upload in progress is read as it comes. */
  #miss(reading: CacheReading): void | Promise<void> {
    const { origin, answers, readerStallMs, readInProgress } = this.#options
    const { request, response, target, cache } = reading
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
    const { socket } = request
    const record = recordOf(response)
    const since = record?.holdBegins() ?? 0
    let leave: () => void = () => undefined
    const gone = new Promise<'gone'>((resolve) => {
      leave = () => {
        wait.leave()
        resolve('gone')
      }
    })
    // Most clients that leave close both ways at once, and the first sign of it is their FIN.
    socket.once('end', leave).once('close', leave)
    const outcome = await Promise.race([wait.outcome, gone])
    socket.off('end', leave).off('close', leave)
    record?.heldSince(since)
    if (response.destroyed) return
    if (outcome === 'changed') return this.read(reading)
    const reason = outcome === 'closing' ? 'stopping' : 'key-not-found'
    this.#options.answers.refuse(request, response, reason)
  }

  #found(reading: CacheReading, item: StoredItem): void | Promise<void> {
    const { origin, overload, answers } = this.#options
    const { request, response, cache } = reading
    const staleSeconds = origin.staleSeconds(cache, item)
    if (staleSeconds !== undefined) {
      recordOf(response)?.found(item)
      const detail = `The live playlist is stale: nothing was written for ${Math.floor(staleSeconds)} s.`
      return answers.refuse(request, response, 'stale', { detail })
    }
    if (overload.refuses(item)) {
      recordOf(response)?.found(item)
      return answers.refuse(request, response, 'overloaded')
    }
    const form = this.#readersForm(reading, item)
    if (!(form instanceof Promise)) return this.#code(reading, item, form)
    return form.then((made) => (response.destroyed ? undefined : this.#code(reading, item, made)))
  }

  /**
   * The playlist as this reader should have it. Who came with `?token=` finds it on every URI, since
   * players drop the query of a playlist; a key that can write is replaced by its read-only twin.
   */
  #readersForm(reading: CacheReading, item: StoredItem): Representation | Promise<Representation> {
    const { representations, readerTokens, publicHosts } = this.#options
    const { target, allowed, cache } = reading
    const { grant, queryCredential } = allowed
    if (
      queryCredential === '' ||
      grant === undefined ||
      cache.settings.playlistTokens !== 'reader' ||
      !representations.hasUris(item)
    ) {
      return item
    }
    const withToken = (token: string): Representation =>
      representations.withToken(item, {
        token,
        keyForm: target.keyForm,
        ownHosts: publicHosts(),
      })
    if (!canWrite(grant)) return withToken(queryCredential)
    return readerTokens
      .forReading(queryCredential, grant)
      .then((token) => (token === undefined ? item : withToken(token)))
  }

  /** Identity, or gzip for who asks for it; a range is always of the identity bytes. */
  #code(reading: CacheReading, item: StoredItem, form: Representation): void | Promise<void> {
    const { representations, gzip, send } = this.#options
    const { request, response } = reading
    const answer = (body: Representation) =>
      send.answer(request, response, {
        item,
        body,
        varies,
        // Its text holds somebody's credential.
        isPrivate: form !== item,
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

function encodings(request: IncomingMessage): string | undefined {
  // Node joins repeated fields into one value; the type allows for a list all the same.
  return request.headers['accept-encoding']
}
