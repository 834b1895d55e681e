/**
 * The link to Valkey: scripts are run over it, and it tells what others change, on every primary.
 * Whatever happens to connections, servers and the topology, it says one of three things: what is
 * read stays right until told otherwise, it has to be asked for again, or nobody answers.
 */

import type { Cluster, Redis } from 'ioredis'
import type { Clock, Timer } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { cutConnection } from './cut-connection.ts'
import { PrimaryTracking } from './primary-tracking.ts'
import { createClient, createCluster, createTwin } from './valkey-client.ts'
import type { ValkeyClientOptions } from './valkey-client.ts'
import { bucketNameOf } from './valkey-keys.ts'
import type { ValkeyScript } from './valkey-scripts.ts'

export interface ValkeyLinkOptions extends ValkeyClientOptions {
  readonly isCluster: boolean
  readonly prefixes: readonly string[]
  /** Of connections: the machine's own. */
  readonly clock: Clock
  readonly log: Logger
}

/** Who wants to know. */
export interface ValkeyListener {
  /** Somebody else changed this name; `undefined`: any may have been changed. */
  changed(name: Buffer | undefined): void
}

/** Valkey's memory is full and nothing may be evicted. */
export class ValkeyFullError extends Error {}

/** Of a command. */
export type Argument = string | Buffer | number

const HEARTBEAT_MS = 500

export class ValkeyLink {
  readonly #options: ValkeyLinkOptions
  readonly #client: Redis | Cluster
  readonly #trackings = new Map<Redis, PrimaryTracking>()
  readonly #listeners = new Set<ValkeyListener>()
  #isTracking = false
  #isTopologyKnown = false
  #downSinceMs: number | undefined
  #downBeforeMs = 0
  #timer: Timer | undefined
  #closed = false
  #whenTracking: (() => void)[] = []

  constructor(options: ValkeyLinkOptions) {
    this.#options = options
    if (options.isCluster) {
      const cluster = createCluster(options)
      this.#client = cluster
      for (const event of ['+node', '-node'] as const) cluster.on(event, () => this.#reconcile())
      cluster.on('refresh', () => {
        this.#reconcile()
        // Last: what has just been read is known, whichever nodes it has made superfluous.
        this.#isTopologyKnown = true
        this.#judge()
      })
      cluster.on('nodeError', () => undefined)
    } else {
      this.#client = createClient(options)
    }
    this.#client.on('error', () => undefined)
    this.#client.on('close', () => this.#markDown('the connection was closed'))
    this.#client.on('ready', () => this.#markUp())
    // Ignored: it goes on trying, and the heartbeat looks after it.
    void this.#client.connect().catch(() => undefined)
    this.#reconcile()
    this.#beatLater()
  }

  /** Whether what was read stays right until {@link ValkeyListener.changed} says otherwise. */
  get isTracking(): boolean {
    return this.#isTracking
  }

  /** Since when nobody answers, in the clock's monotonic time; `undefined`: somebody does. */
  get downSinceMs(): number | undefined {
    return this.#downSinceMs
  }

  /** How long nobody has answered, altogether and until now, ms. */
  get downTotalMs(): number {
    const { clock } = this.#options
    return this.#downBeforeMs + clock.monotonicMs() - (this.#downSinceMs ?? clock.monotonicMs())
  }

  /** The clock of {@link downSinceMs}. */
  nowMs(): number {
    return this.#options.clock.monotonicMs()
  }

  /** Also told, with `undefined`, whenever changes may have been missed. */
  listen(listener: ValkeyListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Once tracking is on; at once when it is. */
  tracking(): Promise<void> {
    if (this.#isTracking) return Promise.resolve()
    return new Promise((resolve) => this.#whenTracking.push(resolve))
  }

  /**
   * Runs a script on a bucket.
   *
   * @throws ValkeyFullError; HeadwaterError `HW_STORE_UNAVAILABLE` within the time limit.
   */
  run(script: ValkeyScript, tag: string, args: readonly Argument[]): Promise<unknown> {
    const key = bucketNameOf(tag)
    return this.ask(async (client) => {
      try {
        return await client.callBuffer('evalsha', script.sha1, 1, key, ...args)
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return client.callBuffer('eval', script.text, 1, key, ...args)
      }
    })
  }

  /**
   * Runs a script and then plain commands, all of one bucket, at once or not at all.
   *
   * @returns What the script answered.
   * @throws As {@link run}.
   */
  transact(
    script: ValkeyScript,
    tag: string,
    args: readonly Argument[],
    commands: readonly (readonly Argument[])[],
  ): Promise<unknown> {
    return this.ask(async (client) => {
      const transaction = client.multi()
      // By its text: a script that is not known would fail alone, and the rest would be done.
      transaction.callBuffer('eval', script.text, 1, bucketNameOf(tag), ...args)
      for (const [name, ...rest] of commands) transaction.call(String(name), ...rest)
      const replies = await transaction.exec()
      for (const [error] of replies ?? []) if (error !== null) throw error
      return replies?.[0]?.[1]
    })
  }

  /**
   * Any other command.
   *
   * @throws As {@link run}.
   */
  async ask<Result>(question: (client: Redis | Cluster) => Promise<Result>): Promise<Result> {
    if (this.#closed || this.#downSinceMs !== undefined) throw unavailable('it does not answer')
    try {
      return await this.#inTime(question(this.#client))
    } catch (error) {
      const message = messageOf(error)
      if (/\bOOM\b/.test(message)) throw new ValkeyFullError(message)
      if (message === TIMED_OUT) this.#giveUp(message)
      // The error itself holds the command with the whole body.
      throw unavailable(message)
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    this.#isTracking = false
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    for (const tracking of this.#trackings.values()) tracking.close()
    this.#trackings.clear()
    this.#listeners.clear()
    this.#client.disconnect()
    return Promise.resolve()
  }

  /** In a cluster an answer may take several attempts, each with a limit of its own. */
  #inTime<Result>(answer: Promise<Result>): Promise<Result> {
    const { clock, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(() => reject(new Error(TIMED_OUT)), timeoutMs)
      answer.then(resolve, reject).finally(() => clock.clearTimer(timer))
    })
  }

  /** One tracking for each primary there is. */
  #reconcile(): void {
    if (this.#closed) return
    const primaries = 'nodes' in this.#client ? this.#client.nodes('master') : [this.#client]
    for (const [primary, tracking] of this.#trackings) {
      if (primaries.includes(primary) && primary.status !== 'end') continue
      tracking.close()
      this.#trackings.delete(primary)
      // Whoever has its slots now is not known before the topology is read again.
      this.#isTopologyKnown = false
      if ('refreshSlotsCache' in this.#client) this.#client.refreshSlotsCache()
    }
    for (const primary of primaries) {
      if (!this.#trackings.has(primary) && primary.status !== 'end') this.#track(primary)
    }
    this.#judge()
  }

  #track(primary: Redis): void {
    const { prefixes, clock, isCluster } = this.#options
    const tracking = new PrimaryTracking({
      commands: primary,
      events: isCluster ? createTwin(this.#options, primary) : createClient(this.#options),
      prefixes,
      clock,
      onChanged: (name) => this.#changed(name),
      onArmed: (isArmed) => {
        // What was changed before this moment was told to nobody.
        if (isArmed) this.#changed(undefined)
        this.#judge()
      },
    })
    this.#trackings.set(primary, tracking)
  }

  #judge(): void {
    const trackings = [...this.#trackings.values()]
    const isTracking =
      (this.#isTopologyKnown || !this.#options.isCluster) &&
      trackings.length > 0 &&
      trackings.every(({ isArmed }) => isArmed)
    if (isTracking === this.#isTracking) return
    this.#isTracking = isTracking
    if (!isTracking) return
    for (const resolve of this.#whenTracking.splice(0)) resolve()
  }

  #changed(name: Buffer | undefined): void {
    for (const listener of this.#listeners) listener.changed(name)
  }

  /** Who waited has been told no: what was asked must not be done later. */
  #giveUp(reason: string): void {
    this.#markDown(reason)
    // In a cluster the heartbeat finds out which of the primaries is silent.
    if (!('nodes' in this.#client) && this.#client.status === 'ready') cutConnection(this.#client)
  }

  #markDown(reason: string): void {
    if (this.#closed || this.#downSinceMs !== undefined) return
    this.#downSinceMs = this.#options.clock.monotonicMs()
    this.#options.log.error({ reason }, 'Valkey does not answer')
  }

  #markUp(): void {
    if (this.#closed || this.#downSinceMs === undefined) return
    const downMs = Math.round(this.#options.clock.monotonicMs() - this.#downSinceMs)
    this.#downBeforeMs = this.downTotalMs
    this.#downSinceMs = undefined
    this.#options.log.warn({ downMs }, 'Valkey answers again')
    // A write that nobody answered may have happened after all.
    this.#changed(undefined)
  }

  #beatLater(): void {
    this.#timer = this.#options.clock.setTimer(() => void this.#beat(), HEARTBEAT_MS)
  }

  async #beat(): Promise<void> {
    this.#reconcile()
    const trackings = [...this.#trackings.values()]
    await Promise.all(trackings.map((tracking) => tracking.beat()))
    if (this.#closed) return
    const isReady = this.#client.status === 'ready'
    const isSilent = trackings.every((tracking) => tracking.isSilent)
    if (!isReady || isSilent) this.#markDown('no answer to a heartbeat')
    else this.#markUp()
    this.#beatLater()
  }
}

const TIMED_OUT = 'Command timed out'

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Of a transaction that was given up: why.
  const causes = 'previousErrors' in error ? error.previousErrors : undefined
  const [cause] = Array.isArray(causes) ? (causes as readonly unknown[]) : []
  return cause instanceof Error ? cause.message : error.message
}

function unavailable(reason: string): HeadwaterError {
  return new HeadwaterError('HW_STORE_UNAVAILABLE', 'Valkey cannot be used now.', {
    detail: reason.slice(0, 200),
  })
}
