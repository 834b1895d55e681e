/** Many viewers at the same moment, each on a connection of its own. */

import { Agent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export interface CrowdAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Asks once per viewer, all at once. */
export async function crowd(
  viewers: number,
  ask: (viewer: number) => {
    readonly url: string
    readonly headers?: Readonly<Record<string, string>>
  },
): Promise<readonly CrowdAnswer[]> {
  const agent = new Agent({ maxSockets: viewers })
  try {
    return await Promise.all(
      Array.from({ length: viewers }, (_, viewer) => {
        const { url, headers = {} } = ask(viewer)
        return get(agent, url, headers)
      }),
    )
  } finally {
    agent.destroy()
  }
}

function get(
  agent: Agent,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<CrowdAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        })
      })
    })
    request.on('error', reject)
    request.end()
  })
}
