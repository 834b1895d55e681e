/**
 * A small player: polls a media playlist, gets each new segment once, looks whether it is what it
 * should be, and keeps every status it was given. Decodes nothing; ffprobe does that beside it.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { http } from '../support/http.ts'
import type { HttpAnswer } from '../support/http.ts'

export interface ReaderOptions {
  readonly playlistUrl: string
  readonly apiKey: string
  /** In the URL, as a `<video>` sends it, or in a header, as a CDN does. */
  readonly keyIn: 'query' | 'header'
  readonly pollMs: number
  /** Whether the encoder is away: what is refused then is counted apart. */
  readonly isGap: () => boolean
}

export interface ReaderCounts {
  /** Status or `connection`, e.g. `200`, `404 stale`: how often, while the encoder ran. */
  readonly running: Record<string, number>
  readonly gap: Record<string, number>
  playlistCount: number
  segmentCount: number
  segmentBytes: number
  /** What was answered well and was wrong. */
  readonly faults: string[]
}

const FAULTS_MAX = 20

export class Reader {
  readonly counts: ReaderCounts = {
    ...{ running: {}, gap: {}, playlistCount: 0, segmentCount: 0, segmentBytes: 0, faults: [] },
  }
  readonly #options: ReaderOptions
  readonly #headers: Readonly<Record<string, string>>
  readonly #known = new Set<string>()
  #lastMsn = -1
  #etag = ''
  #isStopped = false

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#headers = options.keyIn === 'header' ? { authorization: options.apiKey } : {}
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const startedMs = performance.now()
      await this.#poll()
      const tookMs = performance.now() - startedMs
      await sleep(Math.max(20, this.#options.pollMs - tookMs))
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  async #poll(): Promise<void> {
    const { playlistUrl, keyIn, apiKey } = this.#options
    const url = keyIn === 'query' ? `${playlistUrl}?token=${apiKey}` : playlistUrl
    const answer = await this.#get(url, { 'if-none-match': this.#etag })
    if (answer?.status !== 200) return
    this.#etag = answer.headers.etag ?? ''
    this.counts.playlistCount++
    this.#checkSequence(answer.text)
    for (const uri of urisOf(answer.text)) {
      const target = new URL(uri, url).href
      if (this.#known.has(target) || this.#isStopped) continue
      const segment = await this.#get(target)
      if (segment?.status !== 200) continue
      if (this.#known.size > 10_000) this.#known.clear()
      this.#known.add(target)
      this.#checkSegment(target, segment)
    }
  }

  async #get(
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer | undefined> {
    // As it was when it was asked: an answer may come after the gap has ended, or begun.
    const wasGap = this.#options.isGap()
    let outcome = 'connection'
    try {
      const answer = await http(url, { headers: { ...this.#headers, ...headers } })
      const reason = String(answer.headers['x-headwater-reason'] ?? '')
      outcome = answer.status < 400 ? String(answer.status) : `${answer.status} ${reason}`.trim()
      return answer
    } catch {
      // Ignored: counted below as what it is.
      return undefined
    } finally {
      const counts = wasGap || this.#options.isGap() ? this.counts.gap : this.counts.running
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  }

  /** Only a new encoder may begin anew; its names are then new, or used again. */
  #checkSequence(text: string): void {
    const msn = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0)
    if (msn < this.#lastMsn) {
      if (!this.#options.isGap())
        this.#fault(`the playlist went back from ${this.#lastMsn} to ${msn}`)
      this.#known.clear()
    }
    this.#lastMsn = msn
  }

  #checkSegment(url: string, { body, headers }: HttpAnswer): void {
    const name = new URL(url).pathname
    this.counts.segmentCount++
    this.counts.segmentBytes += body.length
    const isWhole = name.endsWith('.ts')
      ? body[0] === 0x47 && body.length % 188 === 0
      : isWholeBoxes(body)
    if (!isWhole) this.#fault(`${name} is torn: ${body.length} bytes`)
    const announced = headers['content-length']
    if (announced !== undefined && Number(announced) !== body.length)
      this.#fault(`${name} has ${body.length} of ${announced} bytes`)
  }

  #fault(text: string): void {
    if (this.counts.faults.length < FAULTS_MAX) this.counts.faults.push(text)
  }
}

/** Init section and segments, in order. */
function urisOf(playlist: string): readonly string[] {
  return playlist.split('\n').flatMap((line) => {
    if (line.startsWith('#EXT-X-MAP:')) return /URI="([^"]+)"/.exec(line)?.[1] ?? []
    return line === '' || line.startsWith('#') ? [] : [line.trim()]
  })
}

/** Whole ISO-BMFF boxes up to the last byte. */
function isWholeBoxes(bytes: Buffer): boolean {
  let offset = 0
  while (offset + 8 <= bytes.length) {
    const sizeBytes = bytes.readUInt32BE(offset)
    if (sizeBytes < 8) return false
    offset += sizeBytes
  }
  return offset === bytes.length && offset > 0
}
