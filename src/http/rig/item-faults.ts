/**
 * Item requests on a test rig: finds the faults that a request meets and does what they say, around
 * the same reads and writes as ever. Not there at all without `rig.enabled`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Operation } from '../../auth/grant.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { splitStoreKey } from '../../base/names.ts'
import { kindOfKey } from '../../hls/kind.ts'
import { notesOf } from '../../origin/item-notes.ts'
import type { Origin } from '../../origin/origin.ts'
import type { UploadRequest } from '../../origin/upload.ts'
import type { FaultRule, FaultedRequest, PlaceInPlaylist } from '../../rig/fault-rule.ts'
import type { Faults } from '../../rig/faults.ts'
import type { ItemTarget } from '../../wire/target.ts'
import type { Allowed, ItemAccess } from '../item-access.ts'
import type { ItemAnswers } from '../item-answers.ts'
import type { ItemRead } from '../item-read.ts'
import type { BodySink, ItemWrite } from '../item-write.ts'
import { LateBody, LOST_BODY } from './body-aside.ts'
import { responseFaultsOf, refusalOf } from './fault-plan.ts'
import { afterDelay, makeFaulty, resetSocket } from './faulty-response.ts'
import { ReadShaper } from './read-shaper.ts'
import { scenarioOf } from './rig-paths.ts'

export interface ItemFaultsOptions {
  readonly faults: Faults
  readonly origin: Origin
  readonly access: ItemAccess
  readonly answers: ItemAnswers
  readonly read: ItemRead
  readonly write: ItemWrite
  /** When a late write is stored. */
  readonly clock: Clock
  /** The pace of answers: connections live by it. */
  readonly machineClock: Clock
  readonly log: Logger
  /** Host and port under which this origin is known, lower case. */
  readonly publicHosts: () => readonly string[]
}

/** An item request that is allowed. */
export interface AllowedRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: ItemTarget
  readonly allowed: Allowed
  readonly operation: Operation
}

export class ItemFaults {
  readonly #options: ItemFaultsOptions

  constructor(options: ItemFaultsOptions) {
    this.#options = options
  }

  /** Answers it, with what is to go wrong. */
  act(asked: AllowedRequest): void | Promise<void> {
    const { faults, machineClock } = this.#options
    const { request, response, target, operation } = asked
    const description = this.#describe(request, target, operation)
    const rules = faults.take(description, scenarioOf(request))
    if (rules.length > 0) {
      const faulty = responseFaultsOf(rules, description, machineClock.monotonicMs())
      makeFaulty(response, faulty, machineClock)
    }
    if (operation === 'read') return this.#read(asked, rules)
    const refusal = refusalOf(rules)
    if (refusal !== undefined) {
      const cache = this.#options.origin.caches.get(target.cacheName)
      const { statusCode, retryAfterSeconds, detail } = refusal
      return this.#options.write.refuse(
        ...([request, response, target, 'fault-injected', cache] as const),
        ...([retryAfterSeconds, detail, statusCode] as const),
      )
    }
    if (operation === 'delete') return this.#options.write.delete(request, response, target)
    return this.#put(asked, rules)
  }

  /** A preflight has no CORS when the read that it is for would have none. */
  preflight(request: IncomingMessage, response: ServerResponse, target: ItemTarget): void {
    if (target.problem !== undefined) return
    const { faults, machineClock } = this.#options
    const description = this.#describe(request, target, 'read')
    const rules = faults.take(description, scenarioOf(request), 'no-cors')
    if (rules.length === 0) return
    const faulty = responseFaultsOf(rules, description, machineClock.monotonicMs())
    makeFaulty(response, faulty, machineClock)
  }

  #read(asked: AllowedRequest, rules: readonly FaultRule[]): void | Promise<void> {
    const { machineClock } = this.#options
    const delayMs = delayMsOf(rules)
    if (delayMs === 0) return this.#readNow(asked, rules)
    return new Promise((resolve, reject) => {
      const { response } = asked
      response.once('close', resolve)
      afterDelay(response, machineClock, delayMs, () => {
        Promise.resolve(this.#readNow(asked, rules)).then(resolve, reject)
      })
    })
  }

  #readNow(asked: AllowedRequest, rules: readonly FaultRule[]): void | Promise<void> {
    const { answers, read, publicHosts } = this.#options
    const { request, response, target, allowed } = asked
    const refusal = refusalOf(rules)
    if (refusal !== undefined) {
      return answers.refuse(request, response, 'fault-injected', refusal)
    }
    const host = request.headers.host?.toLowerCase()
    const fault = ReadShaper.for({
      rules,
      scenarioPath: scenarioOf(request)?.path,
      keyForm: target.keyForm,
      ownHosts: host === undefined ? publicHosts() : [...publicHosts(), host],
    })
    return read.read({ request, response, target, allowed, fault })
  }

  #put(asked: AllowedRequest, rules: readonly FaultRule[]): Promise<void> {
    const { request, response, target, allowed } = asked
    const open = this.#sinkOf(request, rules)
    return this.#options.write.put(request, response, target, allowed.grant, open)
  }

  /** Where a body goes; `undefined` for the usual way. */
  #sinkOf(
    request: IncomingMessage,
    rules: readonly FaultRule[],
  ): ((upload: UploadRequest) => BodySink) | undefined {
    const { origin, clock, log, faults } = this.#options
    const reset = rules.find(({ action }) => action === 'reset')
    if (reset !== undefined) {
      const afterBytes = reset.fault.afterBytes ?? 1024
      return (upload) => resetAfter(origin.openUpload(upload), request, afterBytes)
    }
    if (rules.some(({ action }) => action === 'lose')) return () => LOST_BODY
    const late = rules.find(({ action }) => action === 'store-late')
    if (late === undefined) return undefined
    const { generation } = faults
    const delayMs = (late.fault.delaySeconds ?? 2) * 1000
    const isWanted = () => faults.generation === generation
    return (upload) => new LateBody(upload, { origin, clock, log, delayMs, isWanted })
  }

  #describe(request: IncomingMessage, target: ItemTarget, operation: Operation): FaultedRequest {
    const { origin, access } = this.#options
    const { cacheName, key, storeKey } = target
    const look = () => {
      const item = origin.inspect(storeKey)
      return typeof item === 'object' ? item : undefined
    }
    return {
      operation,
      cacheName,
      key,
      storeKey,
      clientAddress: access.clientAddress(request),
      userAgent: request.headers['user-agent'] ?? '',
      kind: () => look()?.kind ?? kindOfKey(key),
      places: () => {
        const places: readonly PlaceInPlaylist[] = origin.placesOf(storeKey)
        const item = places.length > 0 ? undefined : look()
        const namedBy = item === undefined ? undefined : notesOf(item).namedBy
        if (namedBy === undefined) return places
        // It has left its playlist: of the rendition still, without a number.
        const renditionKey = splitStoreKey(namedBy).key
        return [{ renditionKey, sequence: undefined, edgeSequence: undefined }]
      },
    }
  }
}

function delayMsOf(rules: readonly FaultRule[]): number {
  return rules.reduce(
    (sum, { action, fault }) => (action === 'delay' ? sum + (fault.delaySeconds ?? 2) * 1000 : sum),
    0,
  )
}

/** An upload that ends with its connection once so many bytes have come. */
function resetAfter(upload: BodySink, request: IncomingMessage, afterBytes: number): BodySink {
  let receivedBytes = 0
  return {
    get problem() {
      return upload.problem
    },
    add: (chunk) => {
      upload.add(chunk)
      receivedBytes += chunk.length
      if (receivedBytes > afterBytes) resetSocket(request.socket)
    },
    abort: () => upload.abort(),
    finish: () => upload.finish(),
  }
}
