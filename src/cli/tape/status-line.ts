/** One line on stderr that changes while something runs, on a terminal alone. */

import type { CliContext } from '../cli-context.ts'

const EVERY_MS = 200
const WIDTH_MAX = 100

export class StatusLine {
  readonly #context: Pick<CliContext, 'stderr' | 'clock'>
  #shownAtMonotonicMs = Number.NEGATIVE_INFINITY
  #isShown = false

  constructor(context: Pick<CliContext, 'stderr' | 'clock'>) {
    this.#context = context
  }

  /** Now and then: most of what is given is never seen. */
  show(text: string): void {
    const { stderr, clock } = this.#context
    if (stderr.isTTY !== true) return
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#shownAtMonotonicMs < EVERY_MS) return
    this.#shownAtMonotonicMs = nowMs
    const width = Math.min(WIDTH_MAX, (stderr.columns ?? WIDTH_MAX) - 1)
    // Spaces: a shorter line must not leave the end of a longer one.
    stderr.write(`\r${text.slice(0, width).padEnd(width)}`)
    this.#isShown = true
  }

  /** Takes the line away. */
  end(): void {
    const { stderr } = this.#context
    if (!this.#isShown) return
    stderr.write(`\r${' '.repeat(Math.min(WIDTH_MAX, (stderr.columns ?? WIDTH_MAX) - 1))}\r`)
    this.#isShown = false
  }
}
