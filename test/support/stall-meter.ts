/** How often, and for how long, a page's video had nothing to play. */

import type { Page } from 'playwright-core'

export interface Stalls {
  readonly count: number
  /** 0 when there was none. */
  readonly longestMs: number
}

/**
 * Watches the page's `<video>` from now on. A stall is a time in which it wants to play, does not move
 * and has no data: a slow machine's dropped frames are none.
 */
export async function meterStalls(page: Page): Promise<() => Promise<Stalls>> {
  await page.evaluate(`(() => {
    const video = document.querySelector('video')
    const stalls = { count: 0, longestMs: 0 }
    let position = video.currentTime
    let sinceMs
    let hasCounted = false
    window.stalls = stalls
    setInterval(() => {
      const isStalled = !video.paused && video.currentTime === position && video.readyState < 3
      position = video.currentTime
      if (!isStalled) {
        sinceMs = undefined
        hasCounted = false
        return
      }
      sinceMs ??= performance.now()
      const lastedMs = performance.now() - sinceMs
      // What no viewer notices is none.
      if (lastedMs >= 100 && !hasCounted) stalls.count += 1
      if (lastedMs >= 100) hasCounted = true
      if (hasCounted) stalls.longestMs = Math.max(stalls.longestMs, Math.round(lastedMs))
    }, 20)
  })()`)
  return () => page.evaluate<Stalls>('window.stalls')
}
