/**
 * A bare page that plays one URL, with hls.js or with the browser's own player: what somebody else's
 * page does. Nothing of this project's player page is in it.
 */

import { createRequire } from 'node:module'
import type { HlsConfig } from 'hls.js'
import type { Browser, Page } from 'playwright-core'

const HLS_JS = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')

/** hls.js is at `window.hls` there; fatal errors are collected in `window.hlsErrors`. */
export async function openHlsJsPage(
  browser: Browser,
  url: string,
  config: Partial<HlsConfig> = {},
): Promise<Page> {
  const page = await browser.newPage()
  await page.setContent('<video muted autoplay></video>')
  await page.addScriptTag({ path: HLS_JS })
  await page.evaluate(`(() => {
    const hls = new Hls(${JSON.stringify(config)})
    Object.assign(window, { hls, hlsErrors: [] })
    hls.on(Hls.Events.ERROR, (_, { fatal, details }) => {
      window.hlsErrors.push(fatal ? 'fatal ' + details : details)
    })
    hls.loadSource(${JSON.stringify(url)})
    hls.attachMedia(document.querySelector('video'))
  })()`)
  return page
}

/** The URL in a `<video>`, as Safari and Chromium play it. */
export async function openNativePage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.setContent('<video muted autoplay></video>')
  await page.evaluate(`document.querySelector('video').src = ${JSON.stringify(url)}`)
  return page
}

/** What hls.js reported, oldest first; `fatal …` for what it could not help. */
export function hlsErrors(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>('window.hlsErrors')
}
