/**
 * The destinations of the two MediaLive output groups, for the terminal and the console. Source: the
 * guide's two variants; a query is there because MediaLive carries it to segments only then.
 */

/** User name of variant B: Basic credentials need one, and no one looks at it. */
export const MEDIALIVE_USER = 'momento'

/** Variant A, CDN setting _HLS basic put_: the key is in the URL. */
export function formatBasicPutUrl(playlistUrl: string, encoderKey: string): string {
  return `${playlistUrl}?token=${encoderKey}&ttl_seconds=3600&role=origin`
}

/** Variant B, CDN setting _HLS Akamai_: the key is the password. */
export function formatAkamaiUrl(playlistUrl: string): string {
  return `${playlistUrl}?ttl_seconds=3600&role=origin`
}

/** Whether nobody outside of this machine and its network can use the URL. */
export function isLocalUrl(url: string): boolean {
  const { hostname } = new URL(url)
  return (
    /^(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[)/.test(hostname) ||
    hostname.endsWith('.local')
  )
}
