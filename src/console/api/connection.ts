/**
 * Does the server answer? Every request reports here; once one finds nobody, this asks again until
 * somebody answers, and whoever subscribed is told. Knows nothing of what is asked.
 */

import { backoffMs } from './backoff.ts'

export type ConnectionState =
  | { readonly kind: 'online' }
  /** `retryAtMs`: wall clock of the next try. */
  | { readonly kind: 'offline'; readonly sinceMs: number; readonly retryAtMs: number }

export interface ConnectionOptions {
  /** Resolves when the server answers, with any status but a gateway's; rejects when it does not. */
  readonly ask: () => Promise<void>
  readonly nowMs: () => number
  readonly random: () => number
  /** Calls later; the answer cancels. */
  readonly later: (call: () => void, delayMs: number) => () => void
}

const ONLINE: ConnectionState = { kind: 'online' }

export class Connection {
  readonly #options: ConnectionOptions
  readonly #listeners = new Set<() => void>()
  #state: ConnectionState = ONLINE
  #failureCount = 0
  #cancel: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** The same object as long as nothing changed. */
  get state(): ConnectionState {
    return this.#state
  }

  /** The answer ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something was answered. */
  reached(): void {
    if (this.#state.kind === 'online') return
    this.#cancel?.()
    this.#cancel = undefined
    this.#failureCount = 0
    this.#set(ONLINE)
  }

  /** Nobody answered. Asks from now on. */
  lost(): void {
    if (this.#state.kind === 'online') this.#schedule(this.#options.nowMs())
  }

  /** Asks at once: somebody pressed the button, or the network is back. */
  retryNow(): void {
    if (this.#state.kind === 'online') return
    this.#cancel?.()
    void this.#ask()
  }

  close(): void {
    this.#cancel?.()
    this.#listeners.clear()
  }

  #schedule(sinceMs: number): void {
    this.#failureCount++
    const delayMs = backoffMs(this.#failureCount, this.#options.random())
    this.#cancel = this.#options.later(() => void this.#ask(), delayMs)
    this.#set({ kind: 'offline', sinceMs, retryAtMs: this.#options.nowMs() + delayMs })
  }

  async #ask(): Promise<void> {
    try {
      await this.#options.ask()
      this.reached()
    } catch {
      // Ignored: it is what being offline means.
      if (this.#state.kind === 'offline') this.#schedule(this.#state.sinceMs)
    }
  }

  #set(state: ConnectionState): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
