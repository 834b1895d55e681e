/**
 * The data plane's pages: what this server is, and a player. Files come from `dist/console`, made by
 * `npm run build`; they are read once.
 */

import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

export interface PagesOptions {
  readonly adminUrl: () => string
  readonly version: string
}

/** From `src/http/` and from `dist/http/` alike. */
const ASSETS = new URL('../../dist/console/', import.meta.url)

const PLAYER_ASSETS: Readonly<Record<string, string>> = {
  'player.page.js': 'text/javascript; charset=utf-8',
  'player.css': 'text/css; charset=utf-8',
  'player-icon.svg': 'image/svg+xml',
}

/** hls.js feeds the video element from a blob; it works without its worker. */
const PLAYER_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const

export async function registerPages(app: FastifyInstance, options: PagesOptions): Promise<void> {
  app.get('/', async (request, reply) => {
    void reply.headers(PAGE_HEADERS)
    if (!(request.headers.accept ?? '').includes('text/html')) {
      return reply.type('text/plain; charset=utf-8').send(frontText(options))
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(frontPage(options))
  })

  const page = await readAsset('player.html')
  app.get('/play/*', async (_request, reply) => {
    void reply.headers(PAGE_HEADERS)
    if (page === undefined) {
      return reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The player page is not built. Run `npm run build` and start again.\n')
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('Content-Security-Policy', PLAYER_POLICY)
      .send(page)
  })
  for (const [name, type] of Object.entries(PLAYER_ASSETS)) {
    const asset = await readAsset(name)
    if (asset === undefined) continue
    app.get(`/play/assets/${name}`, async (_request, reply) => {
      return reply.headers(PAGE_HEADERS).type(type).send(asset)
    })
  }
}

async function readAsset(name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(new URL(name, ASSETS))
  } catch {
    // Ignored: not built. The page says so when it is asked for.
    return undefined
  }
}

function frontText({ adminUrl, version }: PagesOptions): string {
  return [
    `Headwater ${version}, a live HLS origin.`,
    '',
    'Encoders push:  PUT /cache/<cache>/<key>?ttl_seconds=<seconds>',
    'Players pull:   GET /cache/<cache>/<key>',
    'Key:            Authorization: <key>, or ?token=<key>',
    'Watch:          /play/<cache>/<key>#token=<player key>',
    'Health:         /health/live, /health/ready',
    `Administration: ${adminUrl()}`,
    '',
  ].join('\n')
}

function frontPage({ adminUrl, version }: PagesOptions): string {
  const admin = escapeHtml(adminUrl())
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Headwater</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem; }
  h1 { font-size: 1.6rem; margin-bottom: .25rem; }
  p.lead { margin-top: 0; opacity: .75; }
  dt { font-weight: 600; margin-top: 1rem; }
  dd { margin: 0; }
  code { font: .95em ui-monospace, monospace; overflow-wrap: anywhere; }
</style>
<h1>Headwater</h1>
<p class="lead">A live HLS origin, version ${escapeHtml(version)}. It is running.</p>
<dl>
  <dt>Encoders push</dt>
  <dd><code>PUT /cache/&lt;cache&gt;/&lt;key&gt;?ttl_seconds=&lt;seconds&gt;</code></dd>
  <dt>Players and CDNs pull</dt>
  <dd><code>GET /cache/&lt;cache&gt;/&lt;key&gt;</code></dd>
  <dt>The key goes</dt>
  <dd>into <code>Authorization: &lt;key&gt;</code>, or into the URL as <code>?token=&lt;key&gt;</code></dd>
  <dt>Watch a channel here</dt>
  <dd><code>/play/&lt;cache&gt;/&lt;key of the playlist&gt;#token=&lt;player key&gt;</code></dd>
  <dt>Keys and caches</dt>
  <dd>are managed with the <code>headwater</code> command, or on the admin plane: <a href="${admin}">${admin}</a></dd>
  <dt>Health</dt>
  <dd><a href="/health/live">/health/live</a>, <a href="/health/ready">/health/ready</a></dd>
</dl>
`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
