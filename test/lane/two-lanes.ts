/**
 * The same bytes to two origins that differ in one thing, the express lane; and what each sends back
 * until it closes, made comparable: store epochs are random.
 */

import { connect } from 'node:net'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { http } from '../support/http.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openOrigin } from '../support/origin.ts'

export interface TwoLanes {
  readonly clock: ManualClock
  /** The same key for both: they share their secret. */
  readonly player: string
  readonly encoder: string
  /** A PUT to both. */
  put(path: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<void>
  /** Sends the bytes to both, then FIN; what came back until the end. */
  answers(bytes: Uint8Array | readonly Uint8Array[]): Promise<readonly [string, string]>
  /** How many requests the express lane has answered by itself. */
  expressCount(): Promise<number>
}

export async function openTwoLanes(
  t: Test,
  settings: StartOptions['settings'] = {},
): Promise<TwoLanes> {
  const clock = new ManualClock()
  const auth = { signingKey: 'a'.repeat(64), ...settings.auth }
  const open = (expressLane: boolean) =>
    openOrigin(t, { ...settings, auth, expressLane }, { clock })
  const plain = await open(false)
  const express = await open(true)
  const epochs = [await epochOf(plain), await epochOf(express)] as const
  const both = [plain, express] as const
  return {
    clock,
    player: plain.keys.player,
    encoder: plain.keys.encoder,
    put: async (path, body, headers = {}) => {
      for (const { dataPlaneUrl, keys } of both) {
        const answer = await http(`${dataPlaneUrl}${path}`, {
          method: 'PUT',
          headers: { authorization: keys.encoder, ...headers },
          body,
        })
        if (answer.status !== 204) throw new Error(`PUT ${path}: ${answer.text}`)
      }
    },
    answers: async (bytes) => {
      const [one, other] = await Promise.all(both.map((origin) => exchange(origin, bytes)))
      const shown = (text: string | undefined, origin: Headwater, epoch: string) =>
        (text ?? '')
          .replaceAll(epoch, 'EPOCH')
          .replaceAll(origin.adminUrl, 'ADMIN_URL')
          // Of pages and health, which go by the machine's clock.
          .replace(/^Date: .* 202[^6] .*$|^Date: (?!Thu, 15 Jan 2026).*$/gm, 'Date: NOW')
      return [shown(one, plain, epochs[0]), shown(other, express, epochs[1])]
    },
    expressCount: async () => {
      const metrics = await http(`${express.adminUrl}/metrics`, {
        headers: { authorization: express.keys.superUser },
      })
      const [, count] = /^headwater_express_lane_requests_total (\d+)$/m.exec(metrics.text) ?? []
      return Number(count)
    },
  }
}

/**
 * Whether two outputs answer the same requests alike. Where a client pipelines something malformed, or
 * anything behind a request to close, node's server ends the connection as soon as it sees that, with
 * answers to what came before still in its queue: how many of them get out depends on when the bytes
 * came. So one output may be the beginning of the other; no answer may be another request's.
 */
export function isAlike(plain: string, express: string): boolean {
  const one = withoutMalformed(plain)
  const other = withoutMalformed(express)
  return one.startsWith(other) || other.startsWith(one)
}

/** Without the last answer, when it says that what came is no request. */
function withoutMalformed(text: string): string {
  const at = text.lastIndexOf('HTTP/1.1 400 Bad Request\r\n')
  return at !== -1 && text.includes('X-Headwater-Reason: request-malformed', at)
    ? text.slice(0, at)
    : text
}

/** The random part of a store's ETags. */
async function epochOf({ dataPlaneUrl, keys }: Headwater): Promise<string> {
  const url = `${dataPlaneUrl}/cache/live-origin/epoch?ttl_seconds=60`
  await http(url, { method: 'PUT', headers: { authorization: keys.encoder }, body: 'x' })
  const read = await http(url, { headers: { authorization: keys.player } })
  const [, epoch] = /^"(.+)-\d+"$/.exec(read.headers.etag ?? '') ?? []
  if (epoch === undefined) throw new Error(`no epoch in ${String(read.headers.etag)}`)
  return epoch
}

function exchange(
  { dataPlaneUrl }: Headwater,
  bytes: Uint8Array | readonly Uint8Array[],
): Promise<string> {
  const parts = bytes instanceof Uint8Array ? [bytes] : bytes
  const { hostname, port } = new URL(dataPlaneUrl)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    socket.on('data', (chunk) => chunks.push(chunk))
    // A reset is seen as what came before it; both lanes must then reset.
    let end = ''
    socket.on('error', (error) => (end = `(${'code' in error ? String(error.code) : 'error'})`))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1') + end))
    socket.on('connect', () => void send())
    const send = async () => {
      for (const part of parts) {
        socket.write(part)
        // So that the parts come as reads of their own.
        await new Promise((next) => setImmediate(next))
      }
      socket.end()
    }
  })
}
