/** Timers in the order in which they fall due: a binary heap that knows where each of them is. */

/** A timer that waits. */
export interface QueuedTimer {
  readonly dueMs: number
  /** Of two that fall due together the lower one is first. */
  readonly sequence: number
  readonly callback: () => void
}

interface Slot extends QueuedTimer {
  /** In the heap; -1 outside. */
  index: number
}

export class TimerQueue {
  readonly #heap: Slot[] = []
  #sequence = 0

  /** How many wait. */
  get size(): number {
    return this.#heap.length
  }

  /** The number that the next timer gets. */
  get nextSequence(): number {
    return this.#sequence
  }

  /** The one that falls due first; `undefined` when none waits. */
  first(): QueuedTimer | undefined {
    return this.#heap[0]
  }

  add(callback: () => void, dueMs: number): QueuedTimer {
    const slot: Slot = { dueMs, sequence: this.#sequence++, callback, index: this.#heap.length }
    this.#heap.push(slot)
    this.#up(slot)
    return slot
  }

  /** Takes one out; one that is not in it is ignored. */
  remove(timer: QueuedTimer): void {
    const slot = timer as Slot // Only `add` makes them.
    const { index } = slot
    if (index === -1 || this.#heap[index] !== slot) return
    slot.index = -1
    const last = this.#heap.pop()
    if (last === undefined || last === slot) return
    this.#place(last, index)
    this.#up(last)
    this.#down(last)
  }

  #up(slot: Slot): void {
    while (slot.index > 0) {
      const { index } = slot
      const parent = this.#heap[(index - 1) >> 1]
      if (parent === undefined || !isBefore(slot, parent)) return
      this.#place(slot, parent.index)
      this.#place(parent, index)
    }
  }

  #down(slot: Slot): void {
    for (;;) {
      const { index } = slot
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      const child =
        left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || !isBefore(child, slot)) return
      this.#place(slot, child.index)
      this.#place(child, index)
    }
  }

  #place(slot: Slot, index: number): void {
    slot.index = index
    this.#heap[index] = slot
  }
}

function isBefore(left: QueuedTimer, right: QueuedTimer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.sequence < right.sequence)
}
