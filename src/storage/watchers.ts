/** Who is told of changes of a key. */

import type { StoreKey } from '../base/names.ts'
import type { StoreChange } from './store.ts'

export class Watchers {
  readonly #byKey = new Map<StoreKey, Set<(change: StoreChange) => void>>()

  /** Whether anybody watches anything: keys need not be collected otherwise. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0
  }

  /** Until the function it returns is called. Listeners run at once and must not throw. */
  add(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    // A function of our own, so that the same listener may be given twice.
    const call = (change: StoreChange): void => listener(change)
    const listeners = this.#byKey.get(storeKey)
    if (listeners === undefined) this.#byKey.set(storeKey, new Set([call]))
    else listeners.add(call)
    return () => {
      const current = this.#byKey.get(storeKey)
      if (current?.delete(call) === true && current.size === 0) this.#byKey.delete(storeKey)
    }
  }

  notify(storeKey: StoreKey, change: StoreChange): void {
    const listeners = this.#byKey.get(storeKey)
    if (listeners === undefined) return
    // A copy, since a listener may watch and end watching.
    for (const listener of [...listeners]) listener(change)
  }

  clear(): void {
    this.#byKey.clear()
  }
}
