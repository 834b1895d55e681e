/**
 * Keeps one channel playing in a video element: asks for the playlist, starts the engine, starts
 * anew when playback is lost, and says how it is. Draws nothing: the player page and the console's
 * player ask a few times a second and show it.
 */

import { startEngine } from './player-engine.ts'
import type { EngineFigures, EngineLevel, PlayerEngine } from './player-engine.ts'
import { probePlaylist } from './player-probe.ts'
import { toPlayerState } from './player-state.ts'
import type { PlayerState, PlayerStateKind, ProbeResult } from './player-state.ts'

const RETRY_DELAY_MS = 1000
const RETRY_DELAY_MS_MAX = 8000
/** Stalled this long while the encoder sends: the session is started anew. */
const STALL_RESTART_MS = 12_000

export interface PlayerSessionOptions {
  readonly video: HTMLVideoElement
  /** For people. */
  readonly cacheName: string
  readonly key: string
  /** Of the playlist. */
  readonly itemUrl: string
  /** Asked for at each start; `undefined` without one. A rejection is shown as a failure. */
  readonly token: () => string | undefined | Promise<string>
  /** Its levels have become known, or there are none any more. */
  readonly onLevels: (levels: readonly EngineLevel[]) => void
}

/** How playback is, at one moment. */
export interface PlayerReport {
  readonly state: PlayerState
  /** `undefined` while nothing is loaded. */
  readonly figures: EngineFigures | undefined
  /** Of the picture that is shown; `undefined` while unknown. */
  readonly level: EngineLevel | undefined
  readonly stallCount: number
  readonly hasStarted: boolean
}

export class PlayerSession {
  readonly #options: PlayerSessionOptions
  readonly #listening = new AbortController()
  #token: string | undefined
  #engine: PlayerEngine | undefined
  #levels: readonly EngineLevel[] = []
  #probe: ProbeResult | undefined
  #probing = new AbortController()
  #failure: string | undefined
  #retryAtMs: number | undefined
  #retryCount = 0
  #hasStarted = false
  /** By a person; what pauses because there is no data goes on by itself. */
  #isPausedByViewer = false
  #stallCount = 0
  #lastPositionSeconds = 0
  #movedAtMs = 0
  #lastKind: PlayerStateKind | undefined

  constructor(options: PlayerSessionOptions) {
    this.#options = options
    const { video } = options
    const { signal } = this.#listening
    video.addEventListener('pause', () => (this.#isPausedByViewer = !video.ended), { signal })
    video.addEventListener('play', () => (this.#isPausedByViewer = false), { signal })
  }

  /** From nothing: the first time, after a failure, with another token. */
  start(): void {
    this.#failure = undefined
    this.#probe = undefined
    this.#retryCount = 0
    void this.#connect()
  }

  /** Gives up, with a sentence that is shown. `start` begins again. */
  fail(sentence: string): void {
    this.#disconnect()
    this.#failure = sentence
  }

  /** -1: automatic. */
  selectLevel(index: number): void {
    this.#engine?.selectLevel(index)
  }

  goToLive(): void {
    this.#engine?.goToLive()
  }

  close(): void {
    this.#disconnect()
    this.#listening.abort()
  }

  /** How it is now. Also what makes time pass: retries and restarts happen in here. */
  report(): PlayerReport {
    const { video, cacheName, key } = this.#options
    const nowMs = performance.now()
    const figures = this.#engine?.figures()
    const isAdvancing = this.#trackPosition(nowMs)
    const retryAtMs = this.#retryAtMs
    const state = toPlayerState({
      cacheName,
      key,
      hasToken: this.#token !== undefined,
      probe: this.#probe,
      retrySeconds: retryAtMs === undefined ? undefined : Math.max(0, retryAtMs - nowMs) / 1000,
      failure: this.#failure,
      hasEnded: figures?.hasEnded ?? false,
      isPaused: video.paused,
      isAdvancing,
      hasStarted: this.#hasStarted,
      hasPicture: this.#hasStarted || video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA,
      isLive: figures?.isLive ?? true,
      segmentAgeSeconds: figures?.segmentAgeSeconds,
      targetDurationSeconds: figures?.targetDurationSeconds ?? 2,
    })
    const isOutOfData = state.kind === 'stalled' || state.kind === 'waiting'
    if (isOutOfData && this.#lastKind === 'playing') this.#stallCount++
    this.#lastKind = state.kind
    if (retryAtMs !== undefined && nowMs >= retryAtMs) void this.#connect()
    // hls.js can lose its way when an encoder restarts with other numbers or timestamps.
    if (state.kind === 'stalled' && nowMs - this.#movedAtMs > STALL_RESTART_MS) {
      this.#movedAtMs = nowMs
      void this.#connect()
    }
    return {
      state,
      figures,
      level: this.#levels[figures?.levelIndex ?? -1],
      stallCount: this.#stallCount,
      hasStarted: this.#hasStarted,
    }
  }

  /** Asks for the playlist; plays it, or asks again later. */
  async #connect(): Promise<void> {
    this.#disconnect()
    const { signal } = this.#probing
    const { video, itemUrl } = this.#options
    try {
      this.#token = await this.#options.token()
    } catch (error) {
      if (!signal.aborted) this.fail(error instanceof Error ? error.message : String(error))
      return
    }
    const result = await probePlaylist(itemUrl, this.#token, signal)
    if (signal.aborted) return
    this.#probe = result
    if (result.kind !== 'ok') {
      this.#scheduleRetry(result)
      return
    }
    this.#engine = startEngine(video, itemUrl, this.#token, {
      onLevels: (levels) => this.#setLevels(levels),
      onLost: () => void this.#connect(),
      onFailure: (sentence) => this.fail(sentence),
    })
    if (this.#engine === undefined) {
      this.fail('This browser can play HLS neither by itself nor with hls.js.')
    }
    // Ignored: a browser that forbids autoplay; the state then says to press play.
    if (!this.#isPausedByViewer) void video.play().catch(() => undefined)
  }

  #disconnect(): void {
    this.#probing.abort()
    this.#probing = new AbortController()
    this.#retryAtMs = undefined
    this.#engine?.destroy()
    this.#engine = undefined
  }

  /** A refused key will not get better by itself, and failed credentials are throttled. */
  #scheduleRetry(result: ProbeResult): void {
    const isRefused =
      result.kind === 'status' && (result.statusCode === 401 || result.statusCode === 403)
    if (isRefused) return
    const delayMs = Math.min(RETRY_DELAY_MS * 1.5 ** this.#retryCount, RETRY_DELAY_MS_MAX)
    this.#retryCount++
    this.#retryAtMs = performance.now() + delayMs
  }

  #setLevels(levels: readonly EngineLevel[]): void {
    this.#levels = levels
    this.#options.onLevels(levels)
  }

  #trackPosition(nowMs: number): boolean {
    const { video } = this.#options
    const stepSeconds = video.currentTime - this.#lastPositionSeconds
    this.#lastPositionSeconds = video.currentTime
    // A seek is not playback.
    if (stepSeconds > 0 && stepSeconds < 2) {
      this.#movedAtMs = nowMs
      if (!video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        this.#hasStarted = true
        this.#retryCount = 0
      }
    }
    return this.#hasStarted && !video.paused && nowMs - this.#movedAtMs < 1000
  }
}

/** `720p, 2.5 Mbit/s`. */
export function formatLevel(level: EngineLevel): string {
  const bitrate = formatBitrate(level)
  return level.heightPixels === 0 ? bitrate : `${level.heightPixels}p, ${bitrate}`
}

export function formatBitrate({ bitrateBitsPerSecond }: EngineLevel): string {
  return bitrateBitsPerSecond < 1_000_000
    ? `${Math.round(bitrateBitsPerSecond / 1000)} kbit/s`
    : `${(bitrateBitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`
}
