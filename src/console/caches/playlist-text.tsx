/** A playlist's text with its tags marked, and its URIs as links to the objects they name. */

import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { resolveUri, toKeyBase64Url, tokenizePlaylistLine } from './object-key.ts'

/** More are cut off: a page of so many links is slow. */
const LINES_MAX = 4000

export function PlaylistText(props: {
  readonly text: string
  readonly cacheName: string
  readonly playlistKey: string
}) {
  const { text, cacheName, playlistKey } = props
  const { server } = useConsole()
  const lines = text.split(/\r?\n/)
  const link = (uri: string) => {
    const key = resolveUri(uri, playlistKey, cacheName, server.dataPlaneUrl)
    if (key === undefined) return <span class="playlist-uri">{uri}</span>
    const href = routeHref('caches', [cacheName, 'object'], { key: toKeyBase64Url(key) })
    return <a href={href}>{uri}</a>
  }
  return (
    <>
      <pre class="code playlist" tabIndex={0} role="region" aria-label="Text of the playlist">
        {lines.slice(0, LINES_MAX).map((line, number) => (
          <span key={number} class="playlist-line">
            {tokenizePlaylistLine(line).map((token, index) =>
              token.kind === 'uri' ? (
                link(token.text)
              ) : (
                <span key={index} class={`playlist-${token.kind}`}>
                  {token.text}
                </span>
              ),
            )}
            {'\n'}
          </span>
        ))}
      </pre>
      {lines.length > LINES_MAX && <p class="quiet">Only its first {LINES_MAX} lines.</p>}
    </>
  )
}
