/**
 * A live channel pushed by ffmpeg, kept running: when it exits (it does on a refused connection),
 * it is started again. ffmpeg's arguments, the key in `-headers` among them, can be read in the
 * process list by this machine's users; it has no other way to take a header.
 */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Clock, Timer } from '../../base/clock.ts'
import { redactText } from '../../base/redact.ts'

export interface FfmpegChannelOptions {
  /** As `toLadderArguments` makes them, flat. */
  readonly args: readonly string[]
  /** Of the multivariant playlist that those arguments write. */
  readonly playlistKey: string
  readonly clock: Clock
  /** Taken out of whatever ffmpeg prints. */
  readonly encoderKey: string
  readonly command?: string
  /** Trouble and recovery, without credentials. */
  readonly onProgress?: (line: string) => void
  /** `child_process.spawn` when absent; tests inject another. */
  readonly spawnProcess?: (command: string, args: readonly string[]) => ChildProcess
}

const RESTART_DELAY_MS = 1000
const RESTART_DELAY_MS_MAX = 10_000
/** A run this long was a good one: the next restart comes at once again. */
const STABLE_RUN_MS = 30_000
/** From SIGTERM to SIGKILL. */
const STOP_TIMEOUT_MS = 3000
const STDERR_LINES_MAX = 8
const STDERR_CHARS_MAX = 16_384

export class FfmpegChannel {
  readonly playlistKey: string
  readonly #options: FfmpegChannelOptions
  readonly #clock: Clock
  readonly #onProgress: (line: string) => void
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #restartTimer: Timer | undefined
  #quickExitCount = 0
  #stderr = ''
  #isClosed = false
  /** If this process ends without `close()`, ffmpeg must not push on for ever. */
  readonly #killOnExit = () => this.#child?.kill('SIGKILL')

  constructor(options: FfmpegChannelOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#onProgress = options.onProgress ?? (() => undefined)
    this.playlistKey = options.playlistKey
  }

  /** How often in a row ffmpeg ended soon after its start. */
  get quickExitCount(): number {
    return this.#quickExitCount
  }

  /** The last lines ffmpeg printed, without the key; '' when it printed nothing. */
  get lastWords(): string {
    const text = redactText(this.#stderr.replaceAll(this.#options.encoderKey, '[redacted]'))
    const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '')
    return lines.slice(-STDERR_LINES_MAX).join('\n')
  }

  /** Starts ffmpeg; returns at once. */
  start(): void {
    if (this.#child !== undefined || this.#isClosed) return
    process.once('exit', this.#killOnExit)
    this.#spawn()
  }

  /** Ends ffmpeg: SIGTERM (it still writes its last playlist), SIGKILL after 3 s. */
  async close(): Promise<void> {
    this.#isClosed = true
    process.off('exit', this.#killOnExit)
    if (this.#restartTimer !== undefined) this.#clock.clearTimer(this.#restartTimer)
    // On Windows both signals end the process at once.
    this.#child?.kill('SIGTERM')
    const timer = this.#clock.setTimer(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.#exited
    this.#clock.clearTimer(timer)
  }

  #spawn(): void {
    const startedAtMonotonicMs = this.#clock.monotonicMs()
    const spawnProcess = this.#options.spawnProcess ?? spawnFfmpeg
    const child = spawnProcess(this.#options.command ?? 'ffmpeg', this.#options.args)
    this.#child = child
    this.#stderr = ''
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX)
    })
    this.#exited = new Promise((resolve) => {
      let hasEnded = false
      const onEnd = (how: string) => {
        // `error` (it could not be started) may come with or without `exit`.
        if (hasEnded) return
        hasEnded = true
        this.#child = undefined
        resolve()
        this.#restart(how, this.#clock.monotonicMs() - startedAtMonotonicMs)
      }
      child.once('error', (error) => onEnd(`could not be started: ${error.message}`))
      // `close`, not `exit`: its last words have been read by then.
      child.once('close', (code, signal) => onEnd(`ended with ${signal ?? `exit code ${code}`}`))
    })
  }

  #restart(how: string, ranMs: number): void {
    if (this.#isClosed) return
    this.#quickExitCount = ranMs >= STABLE_RUN_MS ? 0 : this.#quickExitCount + 1
    const delayMs = Math.min(
      RESTART_DELAY_MS * 2 ** Math.max(0, this.#quickExitCount - 1),
      RESTART_DELAY_MS_MAX,
    )
    const words = this.lastWords
    this.#onProgress(
      `ffmpeg (${this.playlistKey}) ${how}; again in ${delayMs / 1000} s.` +
        (words === '' ? '' : ` Its last words:\n${words.replace(/^/gm, '  ')}`),
    )
    this.#restartTimer = this.#clock.setTimer(() => {
      this.#restartTimer = undefined
      this.#spawn()
    }, delayMs)
  }
}

function spawnFfmpeg(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Its own process group: Ctrl-C is for this process, which then ends ffmpeg by `close()`.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
}
