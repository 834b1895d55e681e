/**
 * A cache in front of nothing that does everything wrong, each thing on demand: for tests of the
 * doctor. Time is the test's.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { formatHttpDate } from '../../../src/base/dates.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import type { LiveChannel } from './live-channel.ts'

/** What is wrong. Absent: right. */
export interface Faults {
  readonly missingKeptSeconds?: number
  /** Status of a name that does not exist. */
  readonly missingStatus?: number
  readonly withoutCors?: boolean
  readonly playlistCacheControl?: string
  readonly segmentCacheControl?: string
  /** A copy of a playlist is served for so long to whoever asks. */
  readonly playlistKeptSeconds?: number
  /** Each reader's `?token=` is put into the playlist. */
  readonly readersTokens?: boolean
  readonly types?: string
  readonly skewSeconds?: number
  readonly withoutRanges?: boolean
  readonly closes?: boolean
  readonly gzipAlways?: boolean
  readonly withoutValidators?: boolean
  readonly newestMissing?: boolean
  readonly variantsNeedKey?: boolean
  readonly headers?: OutgoingHttpHeaders
}

export interface BrokenCdn {
  readonly url: string
  /** Requests so far, as `GET /playlist.m3u8 with key`. */
  readonly requests: string[]
}

interface Copy {
  readonly status: number
  readonly body: Buffer
  readonly storedAtMs: number
}

export async function openBrokenCdn(
  t: Test,
  options: { readonly channel: LiveChannel; readonly clock: ManualClock; readonly faults: Faults },
): Promise<BrokenCdn> {
  const cdn = new Cdn(options)
  const server = createServer((request, response) => cdn.answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A TCP server's address is an AddressInfo once it listens.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/playlist.m3u8`, requests: cdn.requests }
}

class Cdn {
  readonly requests: string[] = []
  readonly #channel: LiveChannel
  readonly #clock: ManualClock
  readonly #faults: Faults
  readonly #copies = new Map<string, Copy>()

  constructor(options: {
    readonly channel: LiveChannel
    readonly clock: ManualClock
    readonly faults: Faults
  }) {
    this.#channel = options.channel
    this.#clock = options.clock
    this.#faults = options.faults
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const hasKey = request.headers.authorization !== undefined || url.searchParams.has('token')
    this.requests.push(`${request.method} ${url.pathname}${hasKey ? ' with key' : ''}`)
    const faults = this.#faults
    const headers: OutgoingHttpHeaders = {
      via: '1.1 varnish',
      date: formatHttpDate(this.#clock.nowMs() + (faults.skewSeconds ?? 0) * 1000),
      ...(faults.withoutCors === true ? {} : CORS),
      ...(faults.closes === true ? { connection: 'close' } : {}),
      ...faults.headers,
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(faults.withoutCors === true ? 403 : 204, headers)
      response.end()
      return
    }
    const name = url.pathname.slice(1)
    const isPlaylist = name.endsWith('.m3u8')
    const { copy, ageSeconds } = this.#copyOf(name, url, isPlaylist, hasKey)
    if (ageSeconds > 0) headers['age'] = String(ageSeconds)
    headers['content-type'] = faults.types ?? TYPES[/\.\w+$/.exec(name)?.[0] ?? ''] ?? 'text/html'
    if (copy.status === 200) {
      headers['cache-control'] = isPlaylist
        ? (faults.playlistCacheControl ?? 'public, max-age=1')
        : (faults.segmentCacheControl ?? 'public, max-age=300')
      if (faults.withoutValidators !== true) {
        headers['last-modified'] = formatHttpDate(copy.storedAtMs)
        headers['etag'] = `"${copy.body.length}-${copy.storedAtMs}"`
      }
    }
    this.#send(request, response, { copy, headers, isPlaylist })
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    {
      copy,
      headers,
      isPlaylist,
    }: { copy: Copy; headers: OutgoingHttpHeaders; isPlaylist: boolean },
  ): void {
    const faults = this.#faults
    const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = request.headers
    if (faults.gzipAlways === true && isPlaylist && copy.status === 200) {
      headers['content-encoding'] = 'gzip'
      copy = { ...copy, body: gzipSync(copy.body) }
    }
    if (copy.status === 200 && ifNoneMatch !== undefined && ifNoneMatch === headers['etag']) {
      response.writeHead(304, headers)
      response.end()
      return
    }
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
    if (copy.status === 200 && match !== null && ifRange === undefined && !faults.withoutRanges) {
      const first = Number(match[1])
      const part = copy.body.subarray(first, Number(match[2]) + 1)
      headers['content-range'] = `bytes ${first}-${first + part.length - 1}/${copy.body.length}`
      response.writeHead(206, { ...headers, 'content-length': part.length })
      response.end(part)
      return
    }
    response.writeHead(copy.status, { ...headers, 'content-length': copy.body.length })
    response.end(request.method === 'HEAD' ? undefined : copy.body)
  }

  #copyOf(
    name: string,
    url: URL,
    isPlaylist: boolean,
    hasKey: boolean,
  ): { copy: Copy; ageSeconds: number } {
    const faults = this.#faults
    const known = this.#copies.get(name)
    const isMissing = known !== undefined && known.status >= 400
    const keptSeconds = isMissing
      ? (faults.missingKeptSeconds ?? 0)
      : isPlaylist
        ? (faults.playlistKeptSeconds ?? 0)
        : 1e9
    if (known !== undefined) {
      const ageMs = this.#clock.nowMs() - known.storedAtMs
      // Kept for no time at all is not kept within the same moment either.
      if (ageMs < keptSeconds * 1000) return { copy: known, ageSeconds: Math.floor(ageMs / 1000) }
    }
    const copy = this.#fetch(name, url, hasKey)
    this.#copies.set(name, copy)
    return { copy, ageSeconds: 0 }
  }

  #fetch(name: string, url: URL, hasKey: boolean): Copy {
    const faults = this.#faults
    const storedAtMs = this.#clock.nowMs()
    const files = this.#channel.files()
    const file = files.find((candidate) => candidate.name === name)
    const isRefused = faults.variantsNeedKey === true && name.includes('p.m3u8') && !hasKey
    if (isRefused) return { status: 401, body: Buffer.from('{}'), storedAtMs }
    const newest = files.findLast((candidate) => candidate.name.endsWith('.m4s'))?.name
    if (file === undefined || (faults.newestMissing === true && name === newest)) {
      return { status: faults.missingStatus ?? 404, body: Buffer.from('<html>'), storedAtMs }
    }
    const token = url.searchParams.get('token')
    const isOwn = faults.readersTokens === true && token !== null && name === 'playlist.m3u8'
    const text = isOwn
      ? String(file.body).replaceAll('p.m3u8', `p.m3u8?token=${encodeURIComponent(token)}`)
      : file.body
    return { status: 200, body: Buffer.from(text), storedAtMs }
  }
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
  'access-control-allow-headers': 'Authorization, Range',
}

const TYPES: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
}
