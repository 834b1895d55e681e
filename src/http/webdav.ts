/**
 * As much WebDAV (RFC 4918) as an encoder wants before it pushes: OPTIONS with `DAV: 1`, MKCOL,
 * PROPFIND. Keys have no folders, so that every collection a writer may write to exists and MKCOL
 * stores nothing. No locks, no COPY or MOVE, no properties to set.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { permits } from '../auth/grant.ts'
import type { Grant } from '../auth/grant.ts'
import { toStoreKey } from '../base/names.ts'
import type { ItemKey } from '../base/names.ts'
import { splitStoreKey } from '../base/names.ts'
import type { CacheRegistry } from '../origin/caches.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import { parseItemTarget } from '../wire/target.ts'
import type { ItemTarget } from '../wire/target.ts'
import { closeGently, drain } from './closing.ts'
import type { Decision, ItemAccess } from './item-access.ts'
import type { ItemAnswers } from './item-answers.ts'
import type { ItemWrite } from './item-write.ts'
import { FINITE_DEPTH_ERROR, formatMultistatus } from './webdav-multistatus.ts'
import type { DavResource } from './webdav-multistatus.ts'

export interface WebDavOptions {
  readonly access: ItemAccess
  readonly answers: ItemAnswers
  readonly write: ItemWrite
  readonly store: Store
  readonly caches: CacheRegistry
  /** A cache that does not exist yet is made by the first PUT. */
  readonly autoCreate: boolean
}

/** The path of a DAV request. */
interface Place {
  /** Key and store key are those of the path as written. */
  readonly target: ItemTarget
  /** Key with a slash at the end; '' for the cache itself. */
  readonly prefix: string
  /** Written as one: with a slash at the end, or the cache itself. */
  readonly isCollection: boolean
}

/** What may come as a body, which is read and not looked at: every PROPFIND gets the same properties. */
const BODY_BYTES_MAX = 64 * 1024
const BODY_MS = 10_000
/** Items looked at for `Depth: 1`; a larger collection is shown in part. */
const LISTED_ITEMS_MAX = 500

const METHODS = 'GET, HEAD, PUT, POST, DELETE, OPTIONS, MKCOL, PROPFIND'

export class WebDav {
  readonly #options: WebDavOptions

  constructor(options: WebDavOptions) {
    this.#options = options
  }

  /** Whether a request is for {@link handle}. An OPTIONS of a browser is a preflight, not ours. */
  takes({ method, headers }: IncomingMessage): boolean {
    if (method === 'MKCOL' || method === 'PROPFIND') return true
    return (
      method === 'OPTIONS' &&
      headers.origin === undefined &&
      headers['access-control-request-method'] === undefined
    )
  }

  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
  ): Promise<void> {
    if (request.method === 'OPTIONS') {
      return answer(request, response, { statusCode: 204, headers: ['Allow', METHODS] })
    }
    const place = placeOf(request.url ?? '', target)
    if (request.method === 'MKCOL') return this.#makeCollection(request, response, place)
    return this.#findProperties(request, response, place)
  }

  /** 201 to whoever may write there, each time: an encoder asks again at every start. */
  async #makeCollection(
    request: IncomingMessage,
    response: ServerResponse,
    place: Place,
  ): Promise<void> {
    const { write, caches, autoCreate } = this.#options
    const { target } = place
    const decision = await this.#decide(request, place, 'write')
    if (decision.kind === 'refused') {
      const { reason, retryAfterSeconds } = decision
      return write.refuse(request, response, target, reason, undefined, retryAfterSeconds)
    }
    if (caches.get(target.cacheName) === undefined && !autoCreate) {
      return write.refuse(request, response, target, 'cache-not-found')
    }
    if (await takeBody(request, response)) answer(request, response, { statusCode: 201 })
  }

  async #findProperties(
    request: IncomingMessage,
    response: ServerResponse,
    place: Place,
  ): Promise<void> {
    const { caches } = this.#options
    const { target, prefix, isCollection } = place
    const reading = await this.#decide(request, place, 'read')
    const isReader = reading.kind === 'allowed'
    // A key that can only write may ask whether its folder is there, and nothing about objects.
    const isWriter =
      reading.kind === 'refused' &&
      reading.reason === 'permission-denied' &&
      isCollection &&
      (await this.#decide(request, place, 'write')).kind === 'allowed'
    if (reading.kind === 'refused' && !isWriter) {
      const { reason, retryAfterSeconds } = reading
      return this.#refuse(request, response, reason, retryAfterSeconds)
    }
    if (caches.get(target.cacheName) === undefined) {
      return this.#refuse(request, response, 'cache-not-found')
    }
    if (!(await takeBody(request, response))) return
    const { depth } = request.headers
    if (depth !== '0' && depth !== '1') {
      return answer(request, response, { statusCode: 403, xml: FINITE_DEPTH_ERROR })
    }
    const grant = reading.kind === 'allowed' ? reading.grant : undefined
    const resources: DavResource[] = []
    const item = isCollection ? undefined : await this.#find(target)
    if (item !== undefined) {
      resources.push({ key: target.key, item })
    } else {
      const children = isReader ? await this.#childrenOf(place, grant) : []
      if (!isCollection && children.length === 0) {
        return this.#refuse(request, response, 'key-not-found')
      }
      resources.push({ key: prefix }, ...(depth === '1' ? children : []))
    }
    const xml = formatMultistatus(target.cacheName, resources)
    answer(request, response, { statusCode: 207, xml })
  }

  #decide(
    request: IncomingMessage,
    { target, prefix, isCollection }: Place,
    operation: 'read' | 'write',
  ): Decision | Promise<Decision> {
    // A folder without its slash is within the prefix that a key is for, and so is MKCOL's.
    const isFolder = isCollection || request.method === 'MKCOL'
    // The empty key of the cache itself is not one of an item: only whole-cache rights match it.
    const key = isFolder ? (prefix as ItemKey) : target.key
    const { problem: formProblem } = target
    return this.#options.access.decide({
      request,
      target: { ...target, key },
      operation,
      formProblem,
    })
  }

  async #find({ storeKey }: ItemTarget): Promise<StoredItem | undefined> {
    const { store } = this.#options
    const found = store.inspect(storeKey)
    if (found === 'absent') return undefined
    return found === 'elsewhere' ? store.load(storeKey) : found
  }

  /** Items right below, and one collection for all that lie deeper under the same name. */
  async #childrenOf(place: Place, grant: Grant | undefined): Promise<readonly DavResource[]> {
    const { cacheName } = place.target
    const { items } = await this.#options.store.list(cacheName, {
      keyPrefix: place.prefix,
      limit: LISTED_ITEMS_MAX,
    })
    const children = new Map<string, DavResource>()
    for (const item of items) {
      const { key } = splitStoreKey(item.storeKey)
      if (grant !== undefined && !permits(grant, 'read', cacheName, key)) continue
      const slash = key.indexOf('/', place.prefix.length)
      const childKey = slash === -1 ? key : key.slice(0, slash + 1)
      // A key may end in the slash that makes its own folder.
      if (childKey === place.prefix) continue
      children.set(childKey, slash === -1 ? { key, item } : { key: childKey })
    }
    return [...children.values()]
  }

  async #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    reason: RefusalReason,
    retryAfterSeconds = 0,
  ): Promise<void> {
    if (!(await takeBody(request, response))) return
    this.#options.answers.refuse(request, response, reason, { retryAfterSeconds })
  }
}

/** The path of a cache itself has no key; it is parsed with one, which is left out again. */
function placeOf(url: string, target: ItemTarget): Place {
  if (target.problem !== 'key-missing') {
    const isCollection = target.key.endsWith('/')
    return { target, prefix: isCollection ? target.key : `${target.key}/`, isCollection }
  }
  const question = url.indexOf('?')
  const pathEnd = question === -1 ? url.length : question
  const path = url.slice(0, pathEnd).replace(/\/+$/, '')
  const withKey = parseItemTarget(`${path}/-${url.slice(pathEnd)}`)
  if (withKey.problem !== undefined) return { target, prefix: '', isCollection: true }
  // The empty key again: see above.
  const key = '' as ItemKey
  const storeKey = toStoreKey(withKey.cacheName, key)
  return { target: { ...withKey, key, storeKey }, prefix: '', isCollection: true }
}

/** False: the client is gone. */
async function takeBody(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (request.headers.expect !== undefined && !request.complete) response.writeContinue()
  const drained = await drain(request, { bytesMax: BODY_BYTES_MAX, timeMs: BODY_MS })
  if (drained === 'cut') {
    response.shouldKeepAlive = false
    closeGently(request, response)
  }
  return drained !== 'gone'
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: {
    readonly statusCode: number
    readonly xml?: string
    readonly headers?: readonly string[]
  },
): void {
  const body = Buffer.from(options.xml ?? '')
  const headers = ['DAV', '1', 'Cache-Control', 'no-store', ...(options.headers ?? [])]
  if (options.xml !== undefined) headers.push('Content-Type', 'application/xml; charset=utf-8')
  if (options.statusCode !== 204) headers.push('Content-Length', String(body.length))
  response.sendDate = true
  response.writeHead(options.statusCode, headers)
  response.end(body)
  request.resume()
}
