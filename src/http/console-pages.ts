/**
 * The admin plane's front: the console for browsers, a text for everybody else. Files come from
 * `dist/console`, made by `npm run build`, and are read once. Nothing here is secret: what the
 * console shows, it asks the guarded `/api` for.
 */

import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptsGzip } from '../wire/accept-encoding.ts'
import { hostName } from './hosts.ts'

export interface ConsolePagesOptions {
  /** For curl and for a console that is not built. */
  readonly text: string
  /** Where media comes from: the one other place the console's player may ask. */
  readonly dataPlaneUrl: () => string
  /** For tests; a folder with `console.html` and `assets/`. */
  readonly folder?: URL
}

/** From `src/http/` and from `dist/http/` alike. */
const FOLDER = new URL('../../dist/console/', import.meta.url)

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
}

const SAFETY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  Vary: 'Accept, Accept-Encoding',
} as const

interface Asset {
  readonly bytes: Buffer
  readonly gzipped: Buffer
}

export async function registerConsole(
  app: FastifyInstance,
  options: ConsolePagesOptions,
): Promise<void> {
  const folder = options.folder ?? FOLDER
  const page = await readAsset(new URL('console.html', folder))
  app.get('/', async (request, reply) => {
    void reply.headers(SAFETY_HEADERS).header('Cache-Control', 'no-cache')
    if (!(request.headers.accept ?? '').includes('text/html')) {
      return reply.type('text/plain; charset=utf-8').send(options.text)
    }
    if (page === undefined) {
      return reply
        .type('text/plain; charset=utf-8')
        .send(`${options.text}\nThe console is not built: run \`npm run build\`, start again.\n`)
    }
    const policy = consolePolicy(options.dataPlaneUrl(), request.headers.host ?? '')
    void reply.header('Content-Security-Policy', policy)
    return sendAsset(request, reply.type('text/html; charset=utf-8'), page)
  })
  for (const name of await listAssets(folder)) {
    const type = TYPES[name.split('.').at(-1) ?? '']
    const asset = await readAsset(new URL(`assets/${name}`, folder))
    if (type === undefined || asset === undefined) continue
    const isHashed = /-[A-Z0-9]{8}\.\w+$/.test(name)
    app.get(`/console/${name}`, async (request, reply) => {
      void reply
        .headers(SAFETY_HEADERS)
        .header('Content-Security-Policy', "default-src 'none'")
        .header(
          'Cache-Control',
          isHashed ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
        )
        .type(type)
      return sendAsset(request, reply, asset)
    })
  }
}

/**
 * What the console's page may do. Its player asks the data plane, by its public address or, since a
 * console that is opened by another name finds it there, by the name the page was opened with.
 *
 * @param host  The request's `Host`.
 */
export function consolePolicy(dataPlaneUrl: string, host: string): string {
  const { origin, protocol, port } = new URL(dataPlaneUrl)
  const name = hostName(host)
  const literal = name.includes(':') ? `[${name}]` : name
  // Nothing of a header that a policy could take for its own grammar.
  const isPlain = /^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/.test(literal)
  const sameHost = isPlain ? ` ${protocol}//${literal}${port === '' ? '' : `:${port}`}` : ''
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${origin}${sameHost}`,
    `media-src blob: ${origin}${sameHost}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(asset.bytes)
  return reply.header('Content-Encoding', 'gzip').send(asset.gzipped)
}

async function readAsset(url: URL): Promise<Asset | undefined> {
  try {
    const bytes = await readFile(url)
    return { bytes, gzipped: await promisify(gzip)(bytes, { level: 9 }) }
  } catch {
    // Ignored: not built. The front page says so when it is asked for.
    return undefined
  }
}

async function listAssets(folder: URL): Promise<string[]> {
  try {
    return (await readdir(new URL('assets/', folder))).filter((name) => /^[\w.-]+$/.test(name))
  } catch {
    // Ignored: not built.
    return []
  }
}
