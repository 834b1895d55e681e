/**
 * Playback itself: hls.js where there are Media Source Extensions, else the browser's own HLS. Says
 * what is going on in figures; the words are player-state's.
 */

import Hls from 'hls.js'
import type { ErrorData, HlsConfig } from 'hls.js'
import { PlaylistContinuity } from './playlist-continuity.ts'

/** A variant as the selector shows it. */
export interface EngineLevel {
  readonly heightPixels: number
  readonly widthPixels: number
  readonly bitrateBitsPerSecond: number
}

export interface EngineFigures {
  /** `undefined` while unknown, as all the others. */
  readonly latencySeconds: number | undefined
  /** By the playlist's program date-times against this machine's clock. */
  readonly clockLatencySeconds: number | undefined
  readonly bufferSeconds: number
  /** In `levels`; -1 while unknown. */
  readonly levelIndex: number
  readonly targetDurationSeconds: number
  /** Since the playlist's newest segment appeared. */
  readonly segmentAgeSeconds: number | undefined
  readonly isLive: boolean
  readonly hasEnded: boolean
}

export interface EngineEvents {
  onLevels(levels: readonly EngineLevel[]): void
  /** Playback cannot go on from here: ask for the playlist again, then start anew. */
  onLost(): void
  /** What arrived cannot be played. */
  onFailure(sentence: string): void
}

export interface PlayerEngine {
  figures(): EngineFigures
  /** -1: automatic. */
  selectLevel(index: number): void
  goToLive(): void
  destroy(): void
}

/** Plays `url` in `video`; `undefined` when this browser has no way to. */
export function startEngine(
  video: HTMLVideoElement,
  url: string,
  token: string | undefined,
  events: EngineEvents,
): PlayerEngine | undefined {
  if (Hls.isSupported()) return startHls(video, url, token, events)
  if (video.canPlayType('application/vnd.apple.mpegurl') !== '') {
    return startNative(video, url, token, events)
  }
  return undefined
}

const LIVE_MAX_LATENCY_TARGET_DURATIONS = 10

/**
 * Live first: little behind, little ahead, and back to the edge when it falls far behind. How far behind
 * is the playlist's word (HOLD-BACK, PART-HOLD-BACK): a `liveSyncDurationCount` here would overrule it.
 */
const HLS_CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1.05,
  maxBufferLength: 20,
  backBufferLength: 30,
  // A late segment or a variant that is not there yet is tried again soon; the page's own probe
  // takes over when this gives up.
  playlistLoadPolicy: loadPolicy(10_000),
  manifestLoadPolicy: loadPolicy(10_000),
  fragLoadPolicy: loadPolicy(20_000),
}

function loadPolicy(timeoutMs: number): HlsConfig['playlistLoadPolicy'] {
  const retry = { maxNumRetry: 4, retryDelayMs: 500, maxRetryDelayMs: 2000 }
  return {
    default: {
      maxTimeToFirstByteMs: timeoutMs,
      maxLoadTimeMs: timeoutMs,
      timeoutRetry: retry,
      errorRetry: retry,
    },
  }
}

function startHls(
  video: HTMLVideoElement,
  url: string,
  token: string | undefined,
  events: EngineEvents,
): PlayerEngine {
  const ownOrigin = new URL(url, location.href).origin
  const hls = new Hls({
    ...HLS_CONFIG,
    xhrSetup: (xhr, requestUrl) => {
      xhr.open('GET', requestUrl, true)
      // A playlist may name other hosts: the token is for this one.
      const isOwn = new URL(requestUrl, location.href).origin === ownOrigin
      if (token !== undefined && isOwn) xhr.setRequestHeader('authorization', token)
    },
  })
  // Not in the constructor's: hls.js takes it there only together with a liveSyncDurationCount.
  hls.config.liveMaxLatencyDurationCount = LIVE_MAX_LATENCY_TARGET_DURATIONS
  const playlist = followPlaylist(hls, events)
  followErrors(hls, events)
  hls.loadSource(url)
  hls.attachMedia(video)
  return {
    figures: () => ({
      latencySeconds: playlist.isLive && hls.latency > 0 ? hls.latency : undefined,
      clockLatencySeconds:
        hls.playingDate === null ? undefined : (Date.now() - hls.playingDate.getTime()) / 1000,
      bufferSeconds: bufferSecondsOf(video),
      levelIndex: hls.currentLevel,
      targetDurationSeconds: playlist.targetDurationSeconds,
      segmentAgeSeconds:
        playlist.isLive && playlist.newestSegmentAtMs !== undefined
          ? (performance.now() - playlist.newestSegmentAtMs) / 1000
          : undefined,
      isLive: playlist.isLive,
      hasEnded: video.ended,
    }),
    selectLevel: (index) => {
      hls.nextLevel = index
    },
    goToLive: () => {
      if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition
      void video.play()
    },
    destroy: () => hls.destroy(),
  }
}

/** What the playlists said last; kept up to date by hls.js's events. */
interface PlaylistFacts {
  isLive: boolean
  targetDurationSeconds: number
  newestSegmentAtMs: number | undefined
}

function followPlaylist(hls: Hls, events: EngineEvents): PlaylistFacts {
  const facts: PlaylistFacts = {
    isLive: true,
    targetDurationSeconds: 2,
    newestSegmentAtMs: undefined,
  }
  const continuity = new PlaylistContinuity()
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    events.onLevels(
      hls.levels.map((level) => ({
        heightPixels: level.height,
        widthPixels: level.width,
        bitrateBitsPerSecond: level.bitrate,
      })),
    )
  })
  hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
    facts.targetDurationSeconds = details.targetduration
    facts.isLive = details.live
    const change = continuity.follow(details.url, details.startSN, details.endSN)
    if (change !== 'same') facts.newestSegmentAtMs = performance.now()
    // hls.js would seek about in a timeline that no longer exists.
    if (change === 'broken' && details.live) events.onLost()
  })
  return facts
}

/** hls.js deals with what is not fatal itself. */
function followErrors(hls: Hls, events: EngineEvents): void {
  let mediaErrorCount = 0
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (!data.fatal) return
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && mediaErrorCount++ < 2) {
      hls.recoverMediaError()
    } else if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
      events.onLost()
    } else {
      events.onFailure(formatFailure(data))
    }
  })
}

/**
 * Safari without MSE (older iPhones) loads by itself and sends no headers of ours: only here does
 * the token go into the URL.
 */
function startNative(
  video: HTMLVideoElement,
  url: string,
  token: string | undefined,
  events: EngineEvents,
): PlayerEngine {
  const abort = new AbortController()
  video.addEventListener('error', () => events.onLost(), { signal: abort.signal })
  video.src = token === undefined ? url : `${url}?token=${encodeURIComponent(token)}`
  const edgeSeconds = () =>
    video.seekable.length === 0 ? undefined : video.seekable.end(video.seekable.length - 1)
  return {
    figures: () => {
      const edge = edgeSeconds()
      return {
        latencySeconds: edge === undefined ? undefined : Math.max(0, edge - video.currentTime),
        clockLatencySeconds: undefined,
        bufferSeconds: bufferSecondsOf(video),
        levelIndex: -1,
        targetDurationSeconds: 2,
        segmentAgeSeconds: undefined,
        isLive: video.duration === Infinity,
        hasEnded: video.ended,
      }
    },
    selectLevel: () => undefined,
    goToLive: () => {
      const edge = edgeSeconds()
      if (edge !== undefined) video.currentTime = edge
      void video.play()
    },
    destroy: () => {
      abort.abort()
      video.removeAttribute('src')
      video.load()
    },
  }
}

/** What is buffered ahead without a gap, in seconds. */
function bufferSecondsOf(video: HTMLVideoElement): number {
  for (let index = 0; index < video.buffered.length; index++) {
    const isHere =
      video.buffered.start(index) <= video.currentTime + 0.1 &&
      video.buffered.end(index) > video.currentTime
    if (isHere) return video.buffered.end(index) - video.currentTime
  }
  return 0
}

function formatFailure(data: ErrorData): string {
  if (data.details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
    return 'This browser has no decoder for any of the variants.'
  }
  return `The player reports ${data.details}: ${data.error.message}`
}
