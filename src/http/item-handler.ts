/**
 * Every request for `/cache`: parse, decide, dispatch. Called by Fastify's route and, for targets
 * that its router cannot decode, directly.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Operation } from '../auth/grant.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { formatItemKey, ITEM_KEY_BYTES_MAX } from '../base/names.ts'
import type { Origin } from '../origin/origin.ts'
import type { RateLimits, RateRefusal } from '../origin/rate-limits.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import { parseItemTarget } from '../wire/target.ts'
import type { ItemTarget } from '../wire/target.ts'
import { closeGently } from './closing.ts'
import type { ItemAccess } from './item-access.ts'
import type { Decision } from './item-access.ts'
import type { ItemAnswers } from './item-answers.ts'
import type { ItemRead } from './item-read.ts'
import type { ItemWrite, ItemWriteOptions } from './item-write.ts'
import type { ItemFaults } from './rig/item-faults.ts'
import { attachRecord, RequestRecord, recordOf } from './request-record.ts'
import type { RecordedOperation, RequestRecording } from './request-record.ts'
import { shownCacheName, shownText, shownUserAgent } from './shown-request.ts'
import type { WebDav } from './webdav.ts'

export interface ItemHandlerOptions {
  readonly access: ItemAccess
  readonly answers: ItemAnswers
  readonly read: ItemRead
  readonly write: ItemWrite
  readonly webDav: WebDav
  readonly rateLimits: RateLimits
  /** Faults, on a test rig; `undefined` otherwise. */
  readonly rig: ItemFaults | undefined
  /** Shared by all requests; its observers are told of each. */
  readonly recording: RequestRecording
  readonly log: Logger
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'write',
  POST: 'write',
  DELETE: 'delete',
}

/** The last request of a connection that is not answered at once. */
const underWay = new WeakMap<Socket, Promise<void>>()

export class ItemHandler {
  readonly #options: ItemHandlerOptions

  constructor(options: ItemHandlerOptions) {
    this.#options = options
  }

  /**
   * Requests of one connection take effect in their order: of two pipelined ones only safe methods
   * may overlap (RFC 9112 §9.3.2), and an encoder pipelines a segment and the playlist naming it.
   */
  handle(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false
    const { socket } = request
    const before = underWay.get(socket)
    const done =
      before === undefined
        ? this.#startNow(request, response)
        : before.then(() => this.#start(request, response))
    if (!(done instanceof Promise)) return
    const settled = done
      .catch((error: unknown) => this.#fail(request, response, error))
      .then(() => {
        if (underWay.get(socket) === settled) underWay.delete(socket)
      })
    underWay.set(socket, settled)
  }

  /**
   * A GET or HEAD without a body, from a lane that reads requests by itself and gives them one at a
   * time per connection. Knows no test rig.
   */
  read(request: ItemRequest, response: ItemResponse): void {
    try {
      const done = this.#startRead(request, response)
      if (done instanceof Promise) {
        done.catch((error: unknown) => this.#fail(request, response, error))
      }
    } catch (error) {
      this.#fail(request, response, error)
    }
  }

  #startRead(request: ItemRequest, response: ItemResponse): void | Promise<void> {
    const target = parseItemTarget(request.url ?? '')
    this.#record(request, response, target, 'read')
    const decision = this.#options.access.decide({
      request,
      target,
      operation: 'read',
      formProblem: target.problem,
    })
    return decision instanceof Promise
      ? decision.then((settled) => this.#actOnRead(request, response, target, settled))
      : this.#actOnRead(request, response, target, decision)
  }

  /** One request that we stumble over must not end the process, and every channel with it. */
  #startNow(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    try {
      return this.#start(request, response)
    } catch (error) {
      this.#fail(request, response, error)
    }
  }

  #start(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    const { access, answers, write, webDav } = this.#options
    const target = parseItemTarget(request.url ?? '')
    const operation = OPERATIONS[request.method ?? '']
    this.#record(request, response, target, operation ?? 'other')
    // Nobody reads the body of a read, and node would drop it for as long as it comes.
    if (operation === 'read' && hasBody(request)) closeGently(request, response)
    if (operation === undefined) {
      if (webDav.takes(request)) return webDav.handle(request, response, target)
      if (request.method === 'OPTIONS') {
        this.#options.rig?.preflight(request, response, target)
        return answers.preflight(request, response)
      }
      return write.refuse(request, response, target, 'method-not-allowed')
    }
    const formProblem =
      target.problem ?? (operation === 'write' ? write.ttlProblem(target) : undefined)
    const decision = access.decide({ request, target, operation, formProblem })
    return decision instanceof Promise
      ? decision.then((settled) => this.#act(request, response, target, operation, settled))
      : this.#act(request, response, target, operation, decision)
  }

  #act(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    operation: Operation,
    decision: Decision,
  ): void | Promise<void> {
    const { write, rateLimits, rig } = this.#options
    if (operation === 'read' && rig === undefined) {
      return this.#actOnRead(request, response, target, decision)
    }
    const record = recordOf(response)
    if (record !== undefined) record.keyId = keyIdOf(decision)
    if (decision.kind === 'refused') {
      return this.#refuse(request, response, target, operation, decision)
    }
    const limited = rateLimits.take(operation, target)
    if (limited !== undefined) return this.#refuse(request, response, target, operation, limited)
    const allowed = decision
    if (rig !== undefined) return rig.act({ request, response, target, allowed, operation })
    if (operation === 'delete') return write.delete(request, response, target)
    return write.put(request, response, target, allowed.grant)
  }

  #actOnRead(
    request: ItemRequest,
    response: ItemResponse,
    target: ItemTarget,
    decision: Decision,
  ): void | Promise<void> {
    const { answers, read, rateLimits } = this.#options
    const record = recordOf(response)
    if (record !== undefined) record.keyId = keyIdOf(decision)
    if (decision.kind === 'refused') {
      const { reason, retryAfterSeconds } = decision
      return answers.refuse(request, response, reason, { retryAfterSeconds })
    }
    const limited = rateLimits.take('read', target)
    if (limited !== undefined) {
      const { reason, retryAfterSeconds } = limited
      return answers.refuse(request, response, reason, { retryAfterSeconds })
    }
    return read.read({ request, response, target, allowed: decision, fault: undefined })
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    operation: Operation,
    { reason, retryAfterSeconds }: Extract<Decision, { kind: 'refused' }> | RateRefusal,
  ): void | Promise<void> {
    const { answers, write } = this.#options
    if (operation === 'read') {
      return answers.refuse(request, response, reason, { retryAfterSeconds })
    }
    return write.refuse(request, response, target, reason, undefined, retryAfterSeconds)
  }

  #record(
    request: ItemRequest,
    response: ItemResponse,
    target: ItemTarget,
    operation: RecordedOperation,
  ): void {
    const { recording } = this.#options
    if (recording.observers.length === 0) return
    const { remoteAddress = '' } = request.socket
    attachRecord(response, new RequestRecord(recording, request, target, operation, remoteAddress))
  }

  /** A fault of ours: the client gets 500 without a word of it, the log all of it. */
  #fail(request: ItemRequest, response: ItemResponse, error: unknown): void {
    // The store has logged it, once; here it would be once for each request.
    const isStoreDown = error instanceof HeadwaterError && error.code === 'HW_STORE_UNAVAILABLE'
    if (isStoreDown && !response.headersSent) {
      return this.#options.answers.refuse(request, response, 'store-unavailable')
    }
    this.#options.log.error({ err: error, method: request.method }, 'item request failed')
    if (response.headersSent) response.destroy()
    else this.#options.answers.refuse(request, response, 'internal', { close: true })
  }
}

function keyIdOf(decision: Decision): string {
  return (decision.kind === 'allowed' ? decision.grant?.keyId : decision.keyId) ?? ''
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Tells the origin's listeners of a refused write; never with a credential in it. */
export function reportRefusal(
  origin: Origin,
  access: ItemAccess,
  answers: ItemAnswers,
): ItemWriteOptions['onRefused'] {
  return (request, target, reason, statusCode) => {
    origin.events.emit('write-refused', {
      cacheName: shownCacheName({ request, target }),
      // Whole: listeners look for the upload that follows with a key.
      key: shownText({ request, target }, formatItemKey(target.key), ITEM_KEY_BYTES_MAX),
      reason,
      statusCode: statusCode ?? answers.statusOf(reason),
      clientAddress: access.clientAddress(request),
      userAgent: shownUserAgent({ request, target }),
      hadQueryToken: target.token !== '',
      hadHeaderCredential: request.headers.authorization !== undefined,
      expectsContinue: request.headers.expect !== undefined,
    })
  }
}
