/**
 * Ordinary requests in tests, by node:http with keep-alive: nothing is normalised, added or followed
 * (fetch resolves `..`, sends an Origin and hides the reason phrase). For odd bytes: `raw-client.ts`.
 */

import { Agent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as UTF-8. */
  readonly text: string
}

export interface HttpOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent with Content-Length. */
  readonly body?: string | Uint8Array
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/**
 * Closes the connections that are kept without use, so that a server can close without waiting for
 * them. Those in use stay: tests that run side by side share the agent.
 */
export function closeIdleConnections(): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}

/**
 * @param url  `http://host:port` and the target behind it, which is sent as written.
 */
export async function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const [, host, target] = /^http:\/\/([^/]+)(\/.*)?$/.exec(url) ?? []
  if (host === undefined) throw new Error(`not an http URL: ${url}`)
  const colon = host.lastIndexOf(':')
  const method = options.method ?? 'GET'
  const body = options.body === undefined ? undefined : Buffer.from(options.body)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        agent,
        host: host.slice(0, colon).replace(/[[\]]/g, ''),
        port: Number(host.slice(colon + 1)),
        path: target ?? '/',
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            headers: response.headers,
            body: bytes,
            text: bytes.toString('utf8'),
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}
