/**
 * Server-assisted invalidation of one primary: a pair of connections, one for commands and one on
 * which the server tells which names others have changed. Either of them lost, nothing that was read
 * can be trusted any longer without asking.
 */

import type { Redis } from 'ioredis'
import type { Clock, Timer } from '../../base/clock.ts'
import { cutConnection } from './cut-connection.ts'

export interface PrimaryTrackingOptions {
  /** Carries the commands. Not closed here. */
  readonly commands: Redis
  /** Carries nothing but invalidations. Closed with this. */
  readonly events: Redis
  /** What names begin with whose changes are told. */
  readonly prefixes: readonly string[]
  readonly clock: Clock
  /** A name was changed by somebody else; `undefined`: all of them were. */
  readonly onChanged: (name: Buffer | undefined) => void
  /** {@link PrimaryTracking.isArmed} has changed. */
  readonly onArmed: (isArmed: boolean) => void
}

const CHANNEL = '__redis__:invalidate'
const RETRY_MS = 100

export class PrimaryTracking {
  readonly #options: PrimaryTrackingOptions
  /** Of the connection for events, as long as it listens. */
  #listener: { readonly id: string; readonly runId: string } | undefined
  #isArmed = false
  #isSilent = false
  #attempt = 0
  #retry: Timer | undefined
  #closed = false
  readonly #onReady = () => void this.#arm()
  readonly #onClose = () => this.#disarm()

  constructor(options: PrimaryTrackingOptions) {
    this.#options = options
    const { commands, events } = options
    commands.on('ready', this.#onReady).on('close', this.#onClose)
    events.on('ready', () => void this.#listen())
    events.on('close', () => this.#deafen())
    // Said by the link, once for all connections.
    events.on('error', () => undefined)
    events.on('messageBuffer', (_channel: Buffer, names: unknown) => this.#changed(names))
    for (const client of [commands, events]) {
      // Ignored: it goes on trying.
      if (client.status === 'wait') void client.connect().catch(() => undefined)
    }
    if (events.status === 'ready') void this.#listen()
  }

  /** Whether everything that others change from now on is told. */
  get isArmed(): boolean {
    return this.#isArmed
  }

  /** Whether the last heartbeat got no answer. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  get commands(): Redis {
    return this.#options.commands
  }

  /** Asks both connections for a sign of life; one that is half dead is opened anew. */
  async beat(): Promise<void> {
    const { commands, events } = this.#options
    const answers = await Promise.allSettled([commands.ping(), events.ping()])
    if (this.#closed) return
    const [ofCommands, ofEvents] = answers
    this.#isSilent = ofCommands.status === 'rejected'
    // Packets that vanish close nothing: a connection that is open and answers nothing is cut. What
    // was sent over it must not arrive later, and a new one is up as soon as the network is.
    if (this.#isSilent && commands.status === 'ready') cutConnection(commands)
    if (ofEvents.status === 'rejected') {
      this.#deafen()
      if (events.status === 'ready') cutConnection(events)
    } else if (!this.#isSilent && !this.#isArmed) void this.#arm()
  }

  close(): void {
    this.#closed = true
    const { commands, events, clock } = this.#options
    commands.off('ready', this.#onReady).off('close', this.#onClose)
    if (this.#retry !== undefined) clock.clearTimer(this.#retry)
    this.#isArmed = false
    events.disconnect()
  }

  #changed(names: unknown): void {
    const { onChanged } = this.#options
    // FLUSHDB and the like.
    if (!Array.isArray(names)) return onChanged(undefined)
    for (const name of names as readonly unknown[]) if (Buffer.isBuffer(name)) onChanged(name)
  }

  async #listen(): Promise<void> {
    const { events } = this.#options
    try {
      // In this order: once it listens, it takes no other command.
      const id = await events.client('ID')
      const runId = await runIdOf(events)
      await events.subscribe(CHANNEL)
      this.#listener = { id: String(id), runId }
    } catch {
      // Ignored: a heartbeat or the next connection tries again.
      return
    }
    await this.#arm()
  }

  async #arm(): Promise<void> {
    const { commands, events, prefixes, clock } = this.#options
    const listener = this.#listener
    if (this.#closed || listener === undefined || commands.status !== 'ready') return
    const attempt = ++this.#attempt
    try {
      // A number says nothing on another server, and after a failover there may be one.
      if ((await runIdOf(commands)) !== listener.runId) {
        events.disconnect(true)
        return
      }
      await commands.call('CLIENT', 'TRACKING', 'OFF')
      const each = prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await commands.call(
        ...(['CLIENT', 'TRACKING', 'ON', 'REDIRECT', listener.id, 'BCAST'] as const),
        ...each,
        'NOLOOP',
      )
    } catch {
      if (this.#closed || attempt !== this.#attempt) return
      if (this.#retry !== undefined) clock.clearTimer(this.#retry)
      this.#retry = clock.setTimer(() => void this.#arm(), RETRY_MS)
      return
    }
    // One of the connections has closed meanwhile, or another attempt has begun.
    if (this.#closed || attempt !== this.#attempt || this.#listener !== listener) return
    this.#isSilent = false
    this.#isArmed = true
    this.#options.onArmed(true)
  }

  /** Nothing is heard over the connection for events, even if it seems to be open. */
  #deafen(): void {
    this.#listener = undefined
    this.#disarm()
  }

  #disarm(): void {
    this.#attempt++
    if (!this.#isArmed || this.#closed) return
    this.#isArmed = false
    this.#options.onArmed(false)
  }
}

async function runIdOf(client: Redis): Promise<string> {
  return /^run_id:(\w+)/m.exec(await client.info('server'))?.[1] ?? ''
}
