/** What came of a replay: counts, and how its statuses differ from those of the recording. */

import { toPlainText } from '../../base/plain-text.ts'
import { formatBytes } from '../text-table.ts'
import type { TapedRequest } from './tape-source.ts'

export interface StatusDifference {
  readonly recordedStatus: number
  /** 0: no answer. */
  readonly status: number
  count: number
  /** The first ones: method and path. */
  readonly examples: string[]
}

const EXAMPLES_MAX = 3

export class ReplayReport {
  requestCount = 0
  sentBytes = 0
  loopCount = 0
  /** Broken off as in the recording. */
  abortedCount = 0
  /** Not sent: refused in the recording before their body had come. */
  skippedCount = 0
  /** Sent again on a new connection. */
  retriedCount = 0
  /** Accepted in the recording, and not now. */
  refusedCount = 0
  /** By how much the replay was late at most, ms. */
  lateMsMax = 0
  readonly statuses = new Map<number, number>()
  readonly #differences = new Map<string, StatusDifference>()

  answered(request: TapedRequest, status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const { status: recordedStatus, method, path, query } = request
    // The recorder's origin did not say: there is nothing to compare with.
    if (recordedStatus === 0) return
    if (isAccepted(recordedStatus) && !isAccepted(status)) this.refusedCount++
    if (status === recordedStatus) return
    const name = `${recordedStatus} ${status}`
    let difference = this.#differences.get(name)
    if (difference === undefined) {
      difference = { recordedStatus, status, count: 0, examples: [] }
      this.#differences.set(name, difference)
    }
    difference.count++
    if (difference.examples.length < EXAMPLES_MAX) {
      difference.examples.push(toPlainText(`${method} ${path === '' ? `?${query}` : path}`, 120))
    }
  }

  get differences(): readonly StatusDifference[] {
    return [...this.#differences.values()]
  }

  /** For `--json`. */
  toJson(seconds: number) {
    const { requestCount, sentBytes, loopCount, abortedCount, skippedCount, retriedCount } = this
    return {
      ...{ seconds, loopCount, requestCount, sentBytes, abortedCount, skippedCount, retriedCount },
      ...{ refusedCount: this.refusedCount, lateMsMax: Math.round(this.lateMsMax) },
      statuses: Object.fromEntries(this.statuses),
      differences: this.differences,
    }
  }

  format(seconds: number): string {
    const statuses = [...this.statuses]
      .sort(([one], [other]) => one - other)
      .map(([status, count]) => `${count} x ${status === 0 ? 'no answer' : status}`)
    const others = [
      [this.abortedCount, 'broken off as recorded'],
      [this.skippedCount, 'left out, since they were refused before they had come'],
      [this.retriedCount, 'sent again on a new connection'],
    ] as const
    const more = others.filter(([count]) => count > 0).map(([count, what]) => `; ${count} ${what}`)
    const lines = [
      `Replayed ${this.requestCount} requests, ${formatBytes(this.sentBytes)}, in ${seconds.toFixed(1)} s: ${statuses.join(', ') || 'nothing answered'}${more.join('')}.`,
    ]
    if (this.lateMsMax > 1000) {
      lines.push(`It fell behind by up to ${(this.lateMsMax / 1000).toFixed(1)} s.`)
    }
    for (const { recordedStatus, status, count, examples } of this.differences) {
      const now = status === 0 ? 'no answer' : String(status)
      lines.push(`  ${recordedStatus} when recorded, ${now} now: ${count} (${examples.join(', ')})`)
    }
    return `${lines.join('\n')}\n`
  }
}

function isAccepted(status: number): boolean {
  return status >= 200 && status <= 299
}
