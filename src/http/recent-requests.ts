/**
 * The last item requests that were refused or missed, for whoever asks why: a bounded list in which
 * repeats are counted instead of repeated, so that one looping client does not push out the rest.
 * No credential is in it.
 */

import { EventEmitter } from 'node:events'
import type { ClientAddresses } from '../auth/client-address.ts'
import type { Clock } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import { adviseOnRefusal, isSegmentName } from '../wire/refusal-advice.ts'
import type { RequestObserver, RequestRecord } from './request-record.ts'
import {
  shownCacheName,
  shownClientAddress,
  shownKey,
  shownText,
  shownUserAgent,
} from './shown-request.ts'

/** One refusal or miss, or several of one kind. JSON of the admin API. */
export interface RecentRequest {
  /** Stays the same while repeats are counted into it. */
  readonly id: number
  /** The last time, RFC 3339. */
  readonly at: string
  readonly firstAt: string
  readonly count: number
  readonly clientAddress: string
  readonly method: string
  readonly operation: string
  /** '' when the target named none. */
  readonly cache: string
  /** For people, the last one; '' when the target named none. */
  readonly key: string
  /** Of a key that was valid; `null` without one. */
  readonly keyId: string | null
  /** 0: no answer was sent, the client was gone. */
  readonly statusCode: number
  readonly reason: string
  /** What happened. */
  readonly sentence: string
  /** What to do. */
  readonly advice: string
  /** What to type or to write instead. */
  readonly commands: readonly string[]
  /** What the answer said beyond its reason; `null` for nothing. */
  readonly detail: string | null
  readonly userAgent: string
}

export interface RecentRequestsOptions {
  readonly clock: Clock
  readonly clientAddresses: ClientAddresses
  /** For the commands in the advice. */
  readonly publicUrl: () => string
}

export interface RecentRequestsQuery {
  readonly cache?: string | undefined
  /** A status (404) or a class (4 for 4xx). */
  readonly status?: number | undefined
  /** 1 to {@link RECENT_REQUESTS_MAX}; all when absent. */
  readonly limit?: number | undefined
  /** Whether the asker may see those of a cache; '' for requests that named none. */
  readonly maySee?: ((cacheName: string) => boolean) | undefined
}

export interface RecentRequestsEvents {
  /** New, or counted once more; at most once a second for each. */
  request: [request: RecentRequest]
}

/** Entries kept. Each is at most some 2 KiB. */
export const RECENT_REQUESTS_MAX = 500
/** Of them, of one address: a scanner pushes out its own. */
export const RECENT_REQUESTS_PER_CLIENT_MAX = 100
const EMIT_EVERY_MS = 1000
/** A write that succeeds so soon after a 401 makes the pair a login. */
const LOGIN_MS = 30_000

interface Entry {
  readonly id: number
  readonly name: string
  readonly facts: Omit<RecentRequest, 'id' | 'at' | 'firstAt' | 'count' | 'key'>
  readonly firstAtMs: number
  atMs: number
  count: number
  /** As the store knows it, to tell repeats of one object apart. */
  storeKey: string
  key: string
  emittedAtMs: number
}

export class RecentRequests implements RequestObserver {
  readonly events = new EventEmitter<RecentRequestsEvents>()
  readonly #options: RecentRequestsOptions
  /** By what makes them one; in the order of their last time. */
  readonly #entries = new Map<string, Entry>()
  readonly #countByClient = new Map<string, number>()
  #nextId = 1
  /** Entries of writes without a key, which may turn out to be logins. */
  #loginCount = 0

  constructor(options: RecentRequestsOptions) {
    this.#options = options
    // One listener for each console that is open.
    this.events.setMaxListeners(0)
  }

  requestEnded(record: RequestRecord): void {
    if (record.reason !== undefined) this.#note(record)
    else if (this.#loginCount > 0 && record.operation === 'write') this.#settleLogin(record)
  }

  /** Newest first. */
  list({ cache, status, limit, maySee }: RecentRequestsQuery = {}): readonly RecentRequest[] {
    const found: RecentRequest[] = []
    const entries = [...this.#entries.values()].reverse()
    for (const entry of entries) {
      if (found.length >= (limit ?? RECENT_REQUESTS_MAX)) break
      const { facts } = entry
      if (cache !== undefined && facts.cache !== cache) continue
      if (status !== undefined && !hasStatus(facts.statusCode, status)) continue
      if (maySee !== undefined && !maySee(facts.cache)) continue
      found.push(viewOf(entry))
    }
    return found
  }

  /** Forgets those of a cache. */
  forgetCache(cacheName: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.facts.cache === cacheName) this.#drop(entry)
    }
  }

  #note(record: RequestRecord): void {
    const clientAddress = shownClientAddress(record, this.#options.clientAddresses)
    const name = nameOf(record, clientAddress)
    const nowMs = this.#options.clock.nowMs()
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = this.#open(record, name, clientAddress, nowMs)
    } else {
      entry.count++
      entry.atMs = nowMs
      if (entry.storeKey !== record.target.storeKey) {
        entry.storeKey = record.target.storeKey
        entry.key = shownKey(record)
      }
      this.#entries.delete(name)
    }
    this.#entries.set(name, entry)
    if (this.events.listenerCount('request') === 0) return
    if (entry.count > 1 && Math.abs(nowMs - entry.emittedAtMs) < EMIT_EVERY_MS) return
    entry.emittedAtMs = nowMs
    this.events.emit('request', viewOf(entry))
  }

  #open(record: RequestRecord, name: string, clientAddress: string, nowMs: number): Entry {
    const ofClient = this.#countByClient.get(clientAddress) ?? 0
    if (ofClient >= RECENT_REQUESTS_PER_CLIENT_MAX) this.#dropOldest(clientAddress)
    else if (this.#entries.size >= RECENT_REQUESTS_MAX) this.#dropOldest()
    this.#countByClient.set(clientAddress, (this.#countByClient.get(clientAddress) ?? 0) + 1)
    if (isPossibleLogin(record)) this.#loginCount++
    const key = shownKey(record)
    return {
      id: this.#nextId++,
      name,
      facts: this.#facts(record, key, clientAddress),
      firstAtMs: nowMs,
      atMs: nowMs,
      count: 1,
      storeKey: record.target.storeKey,
      key,
      emittedAtMs: nowMs,
    }
  }

  #facts(record: RequestRecord, key: string, clientAddress: string): Entry['facts'] {
    const { operation, statusCode, target, request, heldMs } = record
    const reason = record.reason ?? ''
    const cache = shownCacheName(record)
    const userAgent = shownUserAgent(record)
    const facts = {
      reason,
      isRead: operation === 'read',
      cacheName: cache,
      key,
      userAgent,
      hadQueryToken: target.token !== '',
      hadHeaderCredential: request.headers.authorization !== undefined,
      onlySegments: isSegmentName(key),
      heldSeconds: heldMs / 1000,
    }
    const { sentence, advice, commands } = adviseOnRefusal(facts, this.#options.publicUrl())
    return {
      ...{ clientAddress, operation, cache, statusCode, reason, sentence, advice, commands },
      method: shownText(record, request.method ?? '', 32),
      keyId: record.keyId === '' ? null : record.keyId,
      detail: record.detail === undefined ? null : shownText(record, record.detail, 300),
      userAgent,
    }
  }

  /** MediaLive, curl and others send nothing first and come again with the key: nothing was wrong. */
  #settleLogin(record: RequestRecord): void {
    const clientAddress = shownClientAddress(record, this.#options.clientAddresses)
    const nowMs = this.#options.clock.nowMs()
    for (const entry of this.#entries.values()) {
      if (entry.facts.reason !== 'credential-missing' || entry.facts.operation !== 'write') continue
      if (entry.facts.clientAddress !== clientAddress) continue
      if (entry.storeKey !== record.target.storeKey || nowMs - entry.atMs > LOGIN_MS) continue
      // Once for each 401 of this object; the next one names another.
      entry.storeKey = ''
      entry.count--
      if (entry.count === 0) this.#drop(entry)
      return
    }
  }

  #dropOldest(clientAddress?: string): void {
    for (const entry of this.#entries.values()) {
      if (clientAddress !== undefined && entry.facts.clientAddress !== clientAddress) continue
      this.#drop(entry)
      return
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.name)
    const { clientAddress, reason, operation } = entry.facts
    const left = (this.#countByClient.get(clientAddress) ?? 1) - 1
    if (left === 0) this.#countByClient.delete(clientAddress)
    else this.#countByClient.set(clientAddress, left)
    if (reason === 'credential-missing' && operation === 'write') this.#loginCount--
  }
}

function isPossibleLogin({ reason, operation }: RequestRecord): boolean {
  return reason === 'credential-missing' && operation === 'write'
}

/** Requests of one name are one entry. Numbers in keys do not tell them apart: segments have them. */
function nameOf(record: RequestRecord, clientAddress: string): string {
  const { operation, reason = '', keyId, target, statusCode } = record
  const shape = target.problem === undefined ? target.storeKey.replace(/[0-9]+/g, '0') : ''
  const userAgent = (record.request.headers['user-agent'] ?? '').slice(0, 60)
  return [operation, reason, statusCode, keyId, clientAddress, userAgent, shape].join(' ')
}

function hasStatus(statusCode: number, status: number): boolean {
  return status < 10 ? Math.floor(statusCode / 100) === status : statusCode === status
}

function viewOf({ id, facts, firstAtMs, atMs, count, key }: Entry): RecentRequest {
  const at = formatIsoTime(atMs)
  return { id, at, firstAt: formatIsoTime(firstAtMs), count, key, ...facts }
}
