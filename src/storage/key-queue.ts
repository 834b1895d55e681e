/** Operations of one key happen one after the other, those of different keys side by side. */

import type { StoreKey } from '../base/names.ts'

export class KeyQueue {
  /** The last operation of each key that has one under way. */
  readonly #last = new Map<StoreKey, Promise<void>>()

  /** Starts at once when nothing is under way for the key. */
  run<Result>(storeKey: StoreKey, operate: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(storeKey)
    const done = before === undefined ? operate() : before.then(operate)
    // How it ended is for its caller; the next one starts all the same.
    const settled = done.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(storeKey, settled)
    void settled.then(() => {
      if (this.#last.get(storeKey) === settled) this.#last.delete(storeKey)
    })
    return done
  }

  /** When what is under way now has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
