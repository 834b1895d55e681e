/** Hands the server's live events to the pages that want them. The stream itself: `event-stream.ts`. */

type Listener = (data: unknown) => void

/** `connected` and `disconnected` are this console's own; the others are the server's. */
export class LiveEvents {
  readonly #listeners = new Map<string, Set<Listener>>()

  /** The answer ends it. */
  on(type: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  emit(type: string, data: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(data)
  }
}
