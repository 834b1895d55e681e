/**
 * The player page `/play/<cache>/<key>`: plays a channel and shows how far behind it is. Browser
 * code; it speaks to the origin as any player does and knows nothing else of it.
 */

import { parsePlayAddress, parseTokenFragment, toToken } from './player-address.ts'
import type { EngineLevel } from './player-engine.ts'
import { PlayerSession, formatBitrate, formatLevel } from './player-session.ts'
import type { PlayerReport } from './player-session.ts'
import type { PlayerStateKind } from './player-state.ts'

const RENDER_INTERVAL_MS = 250

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

const address = parsePlayAddress(location.pathname, location.search)
const storageKey = `headwater.token:${location.pathname}`

let token = takeToken()
let levels: readonly EngineLevel[] = []
let shownState: PlayerStateKind | undefined
const player = new PlayerSession({
  video,
  cacheName: address?.cacheName ?? '',
  key: address?.key ?? '',
  itemUrl: address?.itemPath ?? '',
  token: () => token,
  onLevels: showLevels,
})

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

function showLevels(next: readonly EngineLevel[]): void {
  levels = next
  const options = next
    .map((level, index) => ({ level, index }))
    .sort((a, b) => b.level.bitrateBitsPerSecond - a.level.bitrateBitsPerSecond)
    .map(({ level, index }) => new Option(formatLevel(level), String(index)))
  quality.replaceChildren(new Option('Automatic', '-1'), ...options)
}

/** Everything that is shown follows from the report; called four times a second. */
function render(): void {
  const report = player.report()
  showState(report)
  showFigures(report)
}

function showState({ state, figures, hasStarted }: PlayerReport): void {
  setText('state-title', state.title)
  setText('state-advice', state.advice)
  // Read out once when the state changes; the visible words count seconds.
  if (state.kind !== shownState) setText('announcer', `${state.title}. ${state.advice}`)
  const hasMedia = figures !== undefined
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
function showFigures({ figures, level, stallCount }: PlayerReport): void {
  const frames = video.getVideoPlaybackQuality()
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

quality.addEventListener('change', () => player.selectLevel(Number(quality.value)))
liveButton.addEventListener('click', () => player.goToLive())
retryButton.addEventListener('click', () => player.start())
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
  player.start()
})
// The same address with another token, pasted over this one, loads no new page.
window.addEventListener('hashchange', () => {
  token = takeToken()
  player.start()
})
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.effectiveDirective !== 'connect-src') return
  player.fail(
    `The playlist names another host (${event.blockedURI}); this page loads from its own only.`,
  )
})

if (address === undefined) {
  player.fail('The address must be /play/<cache>/<key of a playlist>.')
} else {
  setText('channel', `${address.cacheName} / ${address.key}`)
  document.title = `${address.key} · Headwater`
  player.start()
}
render()
setInterval(render, RENDER_INTERVAL_MS)
