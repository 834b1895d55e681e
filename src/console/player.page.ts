/**
 * The player page `/play/<cache>/<key>`: plays a channel and shows how far behind it is. Browser
 * code; it speaks to the origin as any player does and knows nothing else of it.
 */

import { parsePlayAddress, parseTokenFragment, toToken } from './player-address.ts'
import { startEngine } from './player-engine.ts'
import type { EngineFigures, EngineLevel, PlayerEngine } from './player-engine.ts'
import { probePlaylist } from './player-probe.ts'
import { toPlayerState } from './player-state.ts'
import type { PlayerState, ProbeResult } from './player-state.ts'

const RENDER_INTERVAL_MS = 250
const RETRY_DELAY_MS = 1000
const RETRY_DELAY_MS_MAX = 8000
/** Stalled this long while the encoder sends: the session is started anew. */
const STALL_RESTART_MS = 12_000

/** The page's elements; a missing one is a fault of this program. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`)
  return found
}

const root = document.documentElement
const video = element('video', HTMLVideoElement)
const quality = element('quality', HTMLSelectElement)
const qualityField = element('quality-field', HTMLLabelElement)
const unmuteButton = element('unmute', HTMLButtonElement)
const liveButton = element('live', HTMLButtonElement)
const retryButton = element('retry', HTMLButtonElement)
const tokenForm = element('token-form', HTMLFormElement)
const tokenInput = element('token', HTMLInputElement)

const address = parsePlayAddress(location.pathname)
const storageKey = `headwater.token:${location.pathname}`

let token = takeToken()
let engine: PlayerEngine | undefined
let levels: readonly EngineLevel[] = []
let probe: ProbeResult | undefined
let probing = new AbortController()
let failure: string | undefined
let retryAtMs: number | undefined
let retryCount = 0
let hasStarted = false
/** By a person; what pauses because there is no data goes on by itself. */
let isPausedByViewer = false
let stallCount = 0
let lastPositionSeconds = 0
let movedAtMs = 0
let shownState: PlayerState['kind'] | undefined

/**
 * The token leaves the address bar (screens are shared, addresses are copied) for this tab's
 * session storage, so that a reload still plays. Where storage is blocked it stays where it is.
 */
function takeToken(): string | undefined {
  const fromFragment = parseTokenFragment(location.hash)
  try {
    if (fromFragment === undefined) return sessionStorage.getItem(storageKey) ?? undefined
    sessionStorage.setItem(storageKey, fromFragment)
    history.replaceState(history.state, '', location.pathname + location.search)
  } catch {
    // Ignored: storage is blocked; the fragment keeps the token.
  }
  return fromFragment
}

/** Asks for the playlist; plays it, or asks again later. */
async function connect(): Promise<void> {
  if (address === undefined) return
  disconnect()
  const { signal } = probing
  const result = await probePlaylist(address.itemPath, token, signal)
  if (signal.aborted) return
  probe = result
  if (result.kind !== 'ok') {
    scheduleRetry(result)
    return
  }
  engine = startEngine(video, address.itemPath, token, {
    onLevels: showLevels,
    onLost: () => void connect(),
    onFailure: fail,
  })
  if (engine === undefined) fail('This browser can play HLS neither by itself nor with hls.js.')
  // Ignored: a browser that forbids autoplay; the state then says to press play.
  if (!isPausedByViewer) void video.play().catch(() => undefined)
}

function disconnect(): void {
  probing.abort()
  probing = new AbortController()
  retryAtMs = undefined
  engine?.destroy()
  engine = undefined
}

function fail(sentence: string): void {
  disconnect()
  failure = sentence
}

/** A refused key will not get better by itself, and failed credentials are throttled. */
function scheduleRetry(result: ProbeResult): void {
  const isRefused =
    result.kind === 'status' && (result.statusCode === 401 || result.statusCode === 403)
  if (isRefused) return
  const delayMs = Math.min(RETRY_DELAY_MS * 1.5 ** retryCount, RETRY_DELAY_MS_MAX)
  retryCount++
  retryAtMs = performance.now() + delayMs
}

function startAnew(): void {
  failure = undefined
  probe = undefined
  retryCount = 0
  void connect()
}

function showLevels(next: readonly EngineLevel[]): void {
  levels = next
  const options = next
    .map((level, index) => ({ level, index }))
    .sort((a, b) => b.level.bitrateBitsPerSecond - a.level.bitrateBitsPerSecond)
    .map(({ level, index }) => new Option(formatLevel(level), String(index)))
  quality.replaceChildren(new Option('Automatic', '-1'), ...options)
}

function formatLevel(level: EngineLevel): string {
  const bitrate = formatBitrate(level)
  return level.heightPixels === 0 ? bitrate : `${level.heightPixels}p, ${bitrate}`
}

function formatBitrate({ bitrateBitsPerSecond }: EngineLevel): string {
  return bitrateBitsPerSecond < 1_000_000
    ? `${Math.round(bitrateBitsPerSecond / 1000)} kbit/s`
    : `${(bitrateBitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`
}

/** Everything that is shown follows from what is known now; called four times a second. */
function render(): void {
  const nowMs = performance.now()
  const figures = engine?.figures()
  const isAdvancing = trackPosition(nowMs)
  const state = toPlayerState({
    cacheName: address?.cacheName ?? '',
    key: address?.key ?? '',
    hasToken: token !== undefined,
    probe,
    retrySeconds: retryAtMs === undefined ? undefined : Math.max(0, retryAtMs - nowMs) / 1000,
    failure,
    hasEnded: figures?.hasEnded ?? false,
    isPaused: video.paused,
    isAdvancing,
    hasStarted,
    hasPicture: hasStarted || video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA,
    isLive: figures?.isLive ?? true,
    segmentAgeSeconds: figures?.segmentAgeSeconds,
    targetDurationSeconds: figures?.targetDurationSeconds ?? 2,
  })
  const isOutOfData = state.kind === 'stalled' || state.kind === 'waiting'
  if (isOutOfData && shownState === 'playing') stallCount++
  showState(state)
  showFigures(figures)
  if (retryAtMs !== undefined && nowMs >= retryAtMs) void connect()
  // hls.js can lose its way when an encoder restarts with other numbers or timestamps.
  if (state.kind === 'stalled' && nowMs - movedAtMs > STALL_RESTART_MS) {
    movedAtMs = nowMs
    void connect()
  }
}

function trackPosition(nowMs: number): boolean {
  const stepSeconds = video.currentTime - lastPositionSeconds
  lastPositionSeconds = video.currentTime
  // A seek is not playback.
  if (stepSeconds > 0 && stepSeconds < 2) {
    movedAtMs = nowMs
    if (!video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      hasStarted = true
      retryCount = 0
    }
  }
  return hasStarted && !video.paused && nowMs - movedAtMs < 1000
}

function showState(state: PlayerState): void {
  setText('state-title', state.title)
  setText('state-advice', state.advice)
  // Read out once when the state changes; the visible words count seconds.
  if (state.kind !== shownState) setText('announcer', `${state.title}. ${state.advice}`)
  const hasMedia = engine !== undefined
  video.controls = hasMedia
  root.toggleAttribute('data-has-media', hasMedia)
  tokenForm.hidden = state.kind !== 'refused'
  retryButton.hidden = !['failed', 'ended'].includes(state.kind)
  liveButton.hidden = !hasMedia
  qualityField.hidden = !hasMedia || levels.length < 2
  unmuteButton.hidden = !video.muted || !hasMedia || !hasStarted
  root.dataset['state'] = state.kind
  shownState = state.kind
}

/** The figures, and the same as `data-…` on the root for tests. */
function showFigures(figures: EngineFigures | undefined): void {
  const frames = video.getVideoPlaybackQuality()
  const level = levels[figures?.levelIndex ?? -1]
  setText('latency', formatSeconds(figures?.latencySeconds))
  setText('clock-latency', formatSeconds(figures?.clockLatencySeconds))
  setText('buffer', formatSeconds(figures?.bufferSeconds))
  setText('level', video.videoHeight === 0 ? '–' : `${video.videoHeight}p`)
  setText('bitrate', level === undefined ? '' : formatBitrate(level))
  setText('stalls', String(stallCount))
  setText('dropped', `${frames.droppedVideoFrames} of ${frames.totalVideoFrames}`)
  const automatic = quality.options[0]
  if (automatic !== undefined) {
    const isKnown = level !== undefined && quality.value === '-1' && level.heightPixels > 0
    const text = isKnown ? `Automatic (${level.heightPixels}p)` : 'Automatic'
    if (automatic.text !== text) automatic.text = text
  }
  setData('positionSeconds', video.currentTime)
  setData('playedSeconds', playedSeconds())
  setData('latencySeconds', figures?.latencySeconds)
  setData('clockLatencySeconds', figures?.clockLatencySeconds)
  setData('bufferSeconds', figures?.bufferSeconds)
  setData('levelHeight', video.videoHeight)
  setData('stallCount', stallCount)
  setData('droppedFrameCount', frames.droppedVideoFrames)
}

/** How much was really played, wherever the live timeline began. */
function playedSeconds(): number {
  let seconds = 0
  for (let index = 0; index < video.played.length; index++) {
    seconds += video.played.end(index) - video.played.start(index)
  }
  return seconds
}

function setText(id: string, text: string): void {
  const target = element(id, HTMLElement)
  // Only changes: a selection in the text shall survive.
  if (target.textContent !== text) target.textContent = text
}

function setData(name: string, value: number | undefined): void {
  if (value === undefined) delete root.dataset[name]
  else root.dataset[name] = String(Math.round(value * 1000) / 1000)
}

function formatSeconds(seconds: number | undefined): string {
  return seconds === undefined ? '–' : `${seconds.toFixed(1)} s`
}

video.addEventListener('pause', () => {
  isPausedByViewer = !video.ended
})
video.addEventListener('play', () => {
  isPausedByViewer = false
})
quality.addEventListener('change', () => engine?.selectLevel(Number(quality.value)))
liveButton.addEventListener('click', () => engine?.goToLive())
retryButton.addEventListener('click', startAnew)
unmuteButton.addEventListener('click', () => {
  video.muted = false
  void video.play()
  video.focus()
})
tokenForm.addEventListener('submit', (event) => {
  event.preventDefault()
  token = toToken(tokenInput.value)
  tokenInput.value = ''
  try {
    if (token !== undefined) sessionStorage.setItem(storageKey, token)
  } catch {
    // Ignored: storage is blocked; the token lasts until the page is left.
  }
  startAnew()
})
// The same address with another token, pasted over this one, loads no new page.
window.addEventListener('hashchange', () => {
  token = takeToken()
  startAnew()
})
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.effectiveDirective !== 'connect-src') return
  fail(`The playlist names another host (${event.blockedURI}); this page loads from its own only.`)
})

if (address === undefined) {
  fail('The address must be /play/<cache>/<key of a playlist>.')
} else {
  setText('channel', `${address.cacheName} / ${address.key}`)
  document.title = `${address.key} · Headwater`
  void connect()
}
render()
setInterval(render, RENDER_INTERVAL_MS)
