/** A tape as the server records it: `/api/recordings` of the admin API, as a stream. */

import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { parseJson, refusalError, socketReason, unreachableError } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'

export interface RecordingRequest {
  readonly cache: string
  readonly scrubMedia: boolean
  readonly seconds?: number
}

/** A recording that runs. */
export interface RunningRecording {
  /** The tape's bytes, until it ends. */
  readonly chunks: AsyncIterable<unknown>
  /** Asks for the last record, which then comes. Never throws. */
  stop(): Promise<void>
  /** Ends the connection. */
  close(): void
}

const ANSWER_BYTES_MAX = 65_536

/** @throws HeadwaterError as the server refuses it, `HW_CLI_SERVER_UNREACHABLE`. */
export async function startRecording(
  server: AdminClient,
  asked: RecordingRequest,
): Promise<RunningRecording> {
  const response = await open(server, asked)
  if (response.statusCode !== 200) {
    const answer = { statusCode: response.statusCode ?? 0, body: await bodyOf(response) }
    throw refusalError(server.endpoint.adminUrl, answer)
  }
  return {
    chunks: response,
    stop: async () => {
      try {
        await server.ask('DELETE', `/api/recordings/${encodeURIComponent(asked.cache)}`)
      } catch {
        // Ignored: it has ended by itself, or the server has gone; the stream says which.
      }
    },
    close: () => response.destroy(),
  }
}

function open(server: AdminClient, asked: RecordingRequest): Promise<IncomingMessage> {
  const { adminUrl, key } = server.endpoint
  const send = adminUrl.startsWith('https:') ? httpsRequest : httpRequest
  const body = Buffer.from(JSON.stringify(asked))
  return new Promise((resolve, reject) => {
    const request = send(`${adminUrl}/api/recordings`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        ...(key === undefined ? {} : { authorization: key }),
      },
    })
    request.on('error', (error) => reject(unreachableError(adminUrl, socketReason(error), error)))
    request.on('response', resolve)
    request.end(body)
  })
}

async function bodyOf(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  // Node's streams are untyped; without an encoding they give buffers.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > ANSWER_BYTES_MAX) break
    chunks.push(chunk)
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'))
}
