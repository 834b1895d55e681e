/**
 * A bare page with many players beside each other, each on its own URL: hls.js or Shaka Player, as
 * they come. Nothing of this project's player page is in it.
 */

import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'

export type PageLibrary = 'hls.js' | 'shaka'

/** What one player has come to so far. */
export interface PlayerState {
  /** Of all that was played, whatever was jumped over. */
  readonly playedSeconds: number
  /** Height of the picture, px; 0 before the first one. */
  readonly height: number
  /** hls.js' `details`, Shaka's codes; `fatal …` for what it could not help. In their order. */
  readonly errors: readonly string[]
}

const FILES: Readonly<Record<PageLibrary, string>> = {
  'hls.js': 'hls.js/dist/hls.min.js',
  shaka: 'shaka-player/dist/shaka-player.compiled.js',
}

const START: Readonly<Record<PageLibrary, string>> = {
  'hls.js': `(video, url, say) => {
    const hls = new Hls()
    hls.on(Hls.Events.ERROR, (_, { fatal, details }) => say(details, fatal))
    hls.loadSource(url)
    hls.attachMedia(video)
  }`,
  shaka: `async (video, url, say) => {
    const player = new shaka.Player()
    const tell = ({ code, severity }) => say(String(code), severity === 2)
    player.addEventListener('error', ({ detail }) => tell(detail))
    await player.attach(video)
    await player.load(url).catch(tell)
  }`,
}

/** Starts a player for each URL, all at once. The key of each is the name in {@link playerStates}. */
export async function openPlayerPage(
  browser: Browser,
  library: PageLibrary,
  urls: ReadonlyMap<string, string>,
): Promise<Page> {
  const page = await browser.newPage()
  await page.setContent('<main></main>')
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve(FILES[library]) })
  await page.evaluate(`(() => {
    const start = ${START[library]}
    window.players = {}
    for (const [name, url] of ${JSON.stringify([...urls])}) {
      const video = document.createElement('video')
      Object.assign(video, { muted: true, autoplay: true })
      document.querySelector('main').append(video)
      const player = { video, errors: [], playedSeconds: 0 }
      window.players[name] = player
      let position = 0
      // \`video.played\` is forgotten when a player loads its video anew; and a jump is not playback.
      video.addEventListener('timeupdate', () => {
        const step = video.currentTime - position
        if (step > 0 && step < 1) player.playedSeconds += step
        position = video.currentTime
      })
      start(video, url, (text, isFatal) => player.errors.push(isFatal ? 'fatal ' + text : text))
    }
  })()`)
  return page
}

export async function playerStates(page: Page): Promise<ReadonlyMap<string, PlayerState>> {
  const states = await page.evaluate<readonly (readonly [string, PlayerState])[]>(`(() =>
    Object.entries(window.players).map(([name, { video, errors, playedSeconds }]) =>
      [name, { playedSeconds, height: video.videoHeight, errors }]))()`)
  return new Map(states)
}
