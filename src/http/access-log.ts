/**
 * The access log: JSON lines of item requests, a sample of the reads that went well and all others.
 * Lines are buffered and written aside; when the disk cannot follow, lines are dropped and counted,
 * and requests do not wait. Formats nothing itself: `access-log-entry.ts`.
 */

import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { pino } from 'pino'
import type { ClientAddresses } from '../auth/client-address.ts'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { formatAccessLogEntry } from './access-log-entry.ts'
import type { StorageKind } from './access-log-entry.ts'
import type { RequestObserver, RequestRecord } from './request-record.ts'

export interface AccessLogOptions {
  /** A file, made when it is not there, or `stderr`. */
  readonly path: string
  /** Share of the reads that were answered as asked, 0 to 1. */
  readonly sample: number
  readonly storage: StorageKind
  readonly clientAddresses: ClientAddresses
  readonly clock: Clock
  readonly log: Logger
  /** 0 to 1, for the sample; `Math.random` when absent. */
  readonly random?: (() => number) | undefined
}

/** Plain counters, read by metrics. */
export interface AccessLogStats {
  /** Lines handed to the buffer. */
  lineCount: number
  /** Lines for which there was no room. */
  droppedCount: number
  /** Writes that failed, each for some lines, which are tried again. */
  errorCount: number
}

/** Lines that wait for the disk take this much at the most, bytes. */
export const ACCESS_LOG_BUFFER_BYTES_MAX = 4 * 1024 * 1024
const FLUSH_EVERY_MS = 1000
const WARN_EVERY_MS = 60_000
const CLOSE_MS_MAX = 2000
const FILE_MODE = 0o640

type Destination = ReturnType<typeof pino.destination>

export class AccessLog implements RequestObserver {
  readonly stats: AccessLogStats = { lineCount: 0, droppedCount: 0, errorCount: 0 }
  readonly #options: AccessLogOptions
  readonly #destination: Destination
  readonly #random: () => number
  readonly #idPrefix: string
  /** Reads that went well until the next one that is logged. */
  #untilSampled: number
  #nextWarnMs = -Infinity
  #isClosed = false

  private constructor(options: AccessLogOptions, destination: Destination) {
    this.#options = options
    this.#destination = destination
    this.#random = options.random ?? Math.random
    this.#idPrefix = Math.floor(options.clock.nowMs()).toString(36)
    this.#untilSampled = this.#nextGap()
    destination.on('drop', () => {
      this.stats.droppedCount++
      this.#warn(undefined)
    })
    destination.on('error', (error: Error) => {
      this.stats.errorCount++
      this.#warn(error)
    })
  }

  /** @throws HeadwaterError HW_START_ACCESS_LOG when the file cannot be written. */
  static async open(options: AccessLogOptions): Promise<AccessLog> {
    const { path } = options
    const common = { sync: false, periodicFlush: FLUSH_EVERY_MS }
    const maxLength = ACCESS_LOG_BUFFER_BYTES_MAX
    if (path === 'stderr') {
      // The log writes there, too: a pipe takes 4 KiB at once without tearing lines (PIPE_BUF).
      const sizes = { minLength: 2048, maxWrite: 4096, maxLength }
      return new AccessLog(options, pino.destination({ ...common, ...sizes, dest: 2 }))
    }
    try {
      const file = await open(path, 'a', FILE_MODE)
      await file.close()
    } catch (cause) {
      const { message } = cause as Error // node:fs rejects with nothing else
      throw new HeadwaterError(
        'HW_START_ACCESS_LOG',
        `The access log cannot be written: ${message}`,
        {
          detail: 'Make its directory, let this user write there, or change accessLog.path.',
          cause,
        },
      )
    }
    const destination = pino.destination({
      ...common,
      minLength: 8192,
      maxLength,
      dest: path,
      mode: FILE_MODE,
    })
    const log = new AccessLog(options, destination)
    await once(destination, 'ready')
    return log
  }

  requestEnded(record: RequestRecord): void {
    if (
      record.reason === undefined &&
      record.operation === 'read' &&
      record.isComplete &&
      --this.#untilSampled > 0
    ) {
      return
    }
    this.#write(record)
  }

  /** Goes on in a new file of the same name, for who has renamed it. Lines on their way go to the old. */
  reopen(): void {
    if (this.#options.path !== 'stderr' && !this.#isClosed) this.#destination.reopen()
  }

  /** Writes what is buffered; at most two seconds. */
  async close(): Promise<void> {
    const { clock } = this.#options
    if (this.#isClosed) return
    this.#isClosed = true
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(resolve, CLOSE_MS_MAX)
      this.#destination.once('close', () => {
        clock.clearTimer(timer)
        resolve()
      })
      // Leaves stderr open.
      this.#destination.end()
    })
  }

  #write(record: RequestRecord): void {
    if (this.#isClosed) return
    const { clientAddresses, clock, storage } = this.#options
    if (this.#untilSampled <= 0) this.#untilSampled = this.#nextGap()
    this.stats.lineCount++
    const line = formatAccessLogEntry(record, {
      clientAddresses,
      nowMs: clock.nowMs(),
      requestId: `${this.#idPrefix}-${this.stats.lineCount.toString(36)}`,
      storage,
    })
    this.#destination.write(line)
  }

  /**
   * Reads until the next logged one. Random gaps, so that a player's rhythm (every tenth request a
   * playlist, say) does not meet the sample's; drawn once per line, not once per request.
   */
  #nextGap(): number {
    const { sample } = this.#options
    if (sample >= 1) return 1
    if (sample <= 0) return Number.MAX_SAFE_INTEGER
    // Geometric: what independent draws of probability `sample` would give.
    return 1 + Math.floor(Math.log(1 - this.#random()) / Math.log(1 - sample))
  }

  #warn(error: Error | undefined): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs < this.#nextWarnMs) return
    this.#nextWarnMs = nowMs + WARN_EVERY_MS
    const { droppedCount, errorCount } = this.stats
    this.#options.log.warn({ err: error, droppedCount, errorCount }, 'access log lines dropped')
  }
}
