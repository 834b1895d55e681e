/** A real headless Chromium, and how much a page has played. */

import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
]

const PLAYED = `(() => {
  const video = document.querySelector('video')
  if (video === null) return 0
  let seconds = 0
  for (let index = 0; index < video.played.length; index++) {
    seconds += video.played.end(index) - video.played.start(index)
  }
  return seconds
})()`

const PATIENCE_MS = 90_000

/** Closed at the end of the test. */
export async function launchBrowser(t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env['E2E_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ARGS,
  })
  t.teardown(() => browser.close())
  return browser
}

/** Seconds of its video that a page has played. Live positions do not begin at 0. */
export function playedSeconds(page: Page): Promise<number> {
  return page.evaluate<number>(PLAYED)
}

/**
 * Waits until so much was played. Asked from here: Playwright's own wait evaluates inside the page,
 * which the player's Content-Security-Policy forbids, as it should.
 *
 * @throws Error with what the page says, after 90 s.
 */
export async function untilPlayed(page: Page, seconds: number): Promise<void> {
  const endsAtMs = performance.now() + PATIENCE_MS
  for (;;) {
    const played = await playedSeconds(page)
    if (played >= seconds) return
    if (performance.now() > endsAtMs) {
      const text = await page.evaluate<string>('document.body.innerText')
      throw new Error(`${played} s of ${seconds} s were played; the page says: ${text}`)
    }
    await sleep(20)
  }
}

/**
 * Waits until the page has played so much from now on. {@link untilPlayed} cannot tell after a player
 * has loaded its video anew, which forgets what was played.
 *
 * @throws Error with what the page says, after 90 s.
 */
export async function untilPlaysOn(page: Page, seconds: number): Promise<void> {
  const endsAtMs = performance.now() + PATIENCE_MS
  const positionOf = () =>
    page.evaluate<number>("document.querySelector('video')?.currentTime ?? 0")
  let played = 0
  let position = await positionOf()
  while (played < seconds) {
    if (performance.now() > endsAtMs) {
      const text = await page.evaluate<string>('document.body.innerText')
      throw new Error(`${played} s of ${seconds} s were played on; the page says: ${text}`)
    }
    await sleep(20)
    const next = await positionOf()
    // A jump is not playback.
    if (next > position && next < position + 1) played += next - position
    position = next
  }
}
