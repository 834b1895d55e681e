/** How far a long command is, on stderr: one line that changes on a terminal, now and then a line else. */

import type { CliContext } from '../cli-context.ts'
import { formatBytes } from '../text-table.ts'

const TERMINAL_MS = 200
const LOG_MS = 10_000

export class Progress {
  readonly #context: Pick<CliContext, 'stderr' | 'clock'>
  readonly #verb: string
  #objectCount = 0
  #sizeBytes = 0
  #shownAtMonotonicMs: number
  #isOnLine = false

  /** @param verb  What happens to objects: `exported`. */
  constructor(context: Pick<CliContext, 'stderr' | 'clock'>, verb: string) {
    this.#context = context
    this.#verb = verb
    this.#shownAtMonotonicMs = context.clock.monotonicMs()
  }

  add(sizeBytes: number): void {
    this.#objectCount += 1
    this.#sizeBytes += sizeBytes
    const { stderr, clock } = this.#context
    const isTerminal = stderr.isTTY === true
    const nowMonotonicMs = clock.monotonicMs()
    if (nowMonotonicMs - this.#shownAtMonotonicMs < (isTerminal ? TERMINAL_MS : LOG_MS)) return
    this.#shownAtMonotonicMs = nowMonotonicMs
    const text = `${this.#objectCount} objects ${this.#verb}, ${formatBytes(this.#sizeBytes)}`
    // Spaces: a shorter line must not leave the end of a longer one.
    stderr.write(isTerminal ? `\r${text.padEnd(60)}` : `${text}\n`)
    this.#isOnLine = isTerminal
  }

  /** A line of its own, the summary for one. */
  say(text: string): void {
    this.#context.stderr.write(`${this.#isOnLine ? `\r${' '.repeat(60)}\r` : ''}${text}\n`)
    this.#isOnLine = false
  }
}
