/** Addresses within the console: `#/channels/live-origin/demo/playlist.m3u8?tab=x`. Pure. */

export interface Route {
  /** First part; '' for the console's own front page. */
  readonly page: string
  /** The other parts, decoded. A key's slashes are parts, too: join them. */
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

/** Any fragment is some route; a page that does not exist is the shell's business. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#?\/?/, ''), '?')
  const [page = '', ...rest] = path.split('/').map(decode)
  return { page, rest, query: new URLSearchParams(query) }
}

/** The `href` of a page. A part may have slashes: they stay, so that keys are readable. */
export function routeHref(
  page: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const path = [page, ...parts].map((part) => part.split('/').map(encodeURIComponent).join('/'))
  const search = new URLSearchParams(query).toString()
  return `#/${path.join('/')}${search === '' ? '' : `?${search}`}`
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Ignored: a stray percent sign; taken as it is.
    return text
  }
}
