/** Where the console's player finds a channel's media. Pure. */

/**
 * The data plane's base URL for a page that was opened at `pageUrl`. A data plane that is known by a
 * loopback name only is asked by the name that the page was opened with: it listens there, too, or
 * nothing does.
 */
export function toMediaBase(dataPlaneUrl: string, pageUrl: string): string {
  const base = new URL(dataPlaneUrl)
  const page = new URL(pageUrl)
  if (isLoopback(base.hostname) && !isLoopback(page.hostname)) base.hostname = page.hostname
  return base.href.replace(/\/$/, '')
}

export function toItemUrl(mediaBase: string, cacheName: string, key: string): string {
  const path = [cacheName, ...key.split('/')].map(encodeURIComponent).join('/')
  return `${mediaBase}/cache/${path}`
}

/** A page of https may not load from http: browsers say only that it failed. */
export function isMixedContent(mediaBase: string, pageUrl: string): boolean {
  const base = new URL(mediaBase)
  return (
    new URL(pageUrl).protocol === 'https:' &&
    base.protocol === 'http:' &&
    !isLoopback(base.hostname)
  )
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.|^0\.0\.0\.0$/.test(hostname)
}
