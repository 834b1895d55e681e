/**
 * What the page's own address says: which item to play, and the token in its fragment. Pure, so that
 * it is tested without a browser.
 */

export interface PlayAddress {
  /** Decoded, for people. */
  readonly cacheName: string
  /** Decoded, for people. */
  readonly key: string
  /** The item's path, still encoded as it came: the origin decodes a key once. */
  readonly itemPath: string
}

/**
 * `/play/<cache>/<key>` (a proxy's prefix before it is kept), on a test rig with `?scenario=<name>`;
 * `undefined` when it is not that.
 */
export function parsePlayAddress(pathname: string, search = ''): PlayAddress | undefined {
  const match = /^(.*?)\/play\/([^/]+)\/(.+)$/.exec(pathname)
  const [, prefix, cache, key] = match ?? []
  if (prefix === undefined || cache === undefined || key === undefined) return undefined
  return {
    cacheName: decodeText(cache),
    key: decodeText(key),
    itemPath: `${prefix}${rigPath(search)}/cache/${cache}/${key}`,
  }
}

/**
 * The token of a fragment `#token=…`, percent-decoded; `undefined` when there is none, or when it
 * holds what no key can (a header could not carry it).
 */
export function parseTokenFragment(hash: string): string | undefined {
  const match = /^#(?:.*&)?token=([^&]*)/.exec(hash)
  // Not URLSearchParams: a `+` of a base64 key is a plus, not a space.
  return toToken(decodeText(match?.[1] ?? ''))
}

/** What somebody typed or pasted, as a token; `undefined` when no key looks like that. */
export function toToken(text: string): string | undefined {
  const trimmed = text.trim()
  return /^[\x21-\x7e]+$/.test(trimmed) ? trimmed : undefined
}

/** `?scenario=flaky-404`: by the rig's path, so that the player meets it. */
function rigPath(search: string): string {
  const scenario = new URLSearchParams(search).get('scenario') ?? ''
  return /^[a-z0-9][A-Za-z0-9._~-]{0,129}$/.test(scenario) ? `/rig/${scenario}` : ''
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Ignored: a stray percent sign; shown as it is, and the origin says what is wrong with it.
    return text
  }
}
