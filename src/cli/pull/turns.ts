/** So many at once and no more; who comes next waits, first come first served. */

export class Turns {
  readonly #countMax: number
  #runningCount = 0
  readonly #waiting: (() => void)[] = []

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** Runs `work` when it is its turn. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#runningCount >= this.#countMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#runningCount += 1
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The turn is handed over, so that nobody slips in between.
      if (next === undefined) this.#runningCount -= 1
      else next()
    }
  }
}
