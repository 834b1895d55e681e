/**
 * A low-latency HLS packager as an encoder has one: ffmpeg's fragments grouped to parts and segments,
 * with playlists that advertise blocking reload and delta updates; all of it pushed by HTTP PUT. ffmpeg
 * itself has no EXT-X-PART.
 */

import { spawn } from 'node:child_process'
import type { Test } from 'tap'
import { http } from '../../support/http.ts'
import { readFragmentedMp4 } from './fragmented-mp4.ts'

export const PARTS_IN_SEGMENT = 3
export const SEGMENT_SECONDS = 1
const FRAMES_PER_SECOND = 15
const FRAMES_IN_PART = (FRAMES_PER_SECOND * SEGMENT_SECONDS) / PARTS_IN_SEGMENT
const PART_SECONDS = SEGMENT_SECONDS / PARTS_IN_SEGMENT
/** RFC 8216bis: at least six target durations, and parts stay listed for three. */
const SKIP_UNTIL_SECONDS = 6 * SEGMENT_SECONDS
const SEGMENTS_WITH_PARTS = 3
const WINDOW_SEGMENTS = 20
const VIDEO_TRACK = 1

const HEAD = [
  '#EXTM3U',
  '#EXT-X-VERSION:9',
  `#EXT-X-TARGETDURATION:${String(SEGMENT_SECONDS)}`,
  `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${(3.1 * PART_SECONDS).toFixed(3)},CAN-SKIP-UNTIL=${SKIP_UNTIL_SECONDS.toFixed(1)}`,
  `#EXT-X-PART-INF:PART-TARGET=${(PART_SECONDS + 0.001).toFixed(3)}`,
]

interface PackagerOptions {
  /** `http://host:port/cache/<cache>`. */
  readonly base: string
  readonly apiKey: string
}

export interface Packager {
  /** Statuses of its uploads that were not 204, with their names; empty when all is well. */
  readonly refused: readonly string[]
  /** Segments that are complete. */
  readonly segmentCount: () => number
  /** `live.m3u8`. */
  readonly playlistName: string
  /** Ends it as SIGKILL does: nothing more is sent. Resolves when what was on its way is there. */
  stop(): Promise<void>
}

/** Starts it for this test; ended with it. */
export function startLowLatencyPackager(t: Test, options: PackagerOptions): Packager {
  const packager = new LowLatencyPackager(options)
  const ffmpeg = spawn(process.env['E2E_FFMPEG'] ?? 'ffmpeg', [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error'],
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=160x90:rate=${String(FRAMES_PER_SECOND)}`],
    ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-map', '0:v'],
    ...['-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-pix_fmt', 'yuv420p', '-g', String(FRAMES_PER_SECOND * SEGMENT_SECONDS)],
    ...['-keyint_min', String(FRAMES_PER_SECOND * SEGMENT_SECONDS), '-sc_threshold', '0'],
    ...['-b:v', '100k', '-c:a', 'aac', '-b:a', '64k', '-t', '120', '-f', 'mp4'],
    ...['-movflags', '+empty_moov+default_base_moof+frag_every_frame', '-flush_packets', '1'],
    'pipe:1',
  ])
  const take = readFragmentedMp4({
    onInit: (bytes) => packager.init(bytes),
    onFragment: ({ bytes, trackId }) => packager.add(bytes, trackId === VIDEO_TRACK),
  })
  ffmpeg.stdout.on('data', take)
  ffmpeg.stderr.on('data', (text: Buffer) => packager.refused.push(text.toString()))
  packager.onStop = () => {
    ffmpeg.stdout.off('data', take)
    ffmpeg.kill('SIGKILL')
  }
  t.teardown(() => packager.stop())
  return packager
}

interface Segment {
  readonly msn: number
  readonly parts: Buffer[]
}

class LowLatencyPackager implements Packager {
  readonly playlistName = 'live.m3u8'
  readonly refused: string[] = []
  onStop: () => void = () => undefined
  readonly #options: PackagerOptions
  /** The last is being made. */
  readonly #segments: Segment[] = [{ msn: 0, parts: [] }]
  #pieces: Buffer[] = []
  #frameCount = 0
  #startedAtMs: number | undefined
  /** Uploads go one after another, as the playlist may name only what is there. */
  #queue: Promise<void> = Promise.resolve()

  constructor(options: PackagerOptions) {
    this.#options = options
  }

  segmentCount(): number {
    return this.#current.msn
  }

  stop(): Promise<void> {
    this.onStop()
    return this.#queue
  }

  init(bytes: Buffer): void {
    this.#put('init.mp4', bytes)
  }

  /** Takes a frame of video or audio; a part is complete with its last frame of video. */
  add(bytes: Buffer, isVideo: boolean): void {
    this.#startedAtMs ??= Date.now() - 1000 / FRAMES_PER_SECOND
    this.#pieces.push(bytes)
    if (isVideo && ++this.#frameCount % FRAMES_IN_PART === 0) this.#endPart()
  }

  get #current(): Segment {
    const last = this.#segments.at(-1)
    if (last === undefined) throw new Error('there is always one in the making')
    return last
  }

  #endPart(): void {
    const segment = this.#current
    const part = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#put(partName(segment.msn, segment.parts.length), part)
    segment.parts.push(part)
    if (segment.parts.length === PARTS_IN_SEGMENT) {
      this.#put(segmentName(segment.msn), Buffer.concat(segment.parts))
      this.#segments.push({ msn: segment.msn + 1, parts: [] })
      if (this.#segments.length > WINDOW_SEGMENTS + 1) this.#segments.shift()
    }
    this.#put(this.playlistName, this.#playlist())
  }

  #playlist(): string {
    const lines = [...HEAD, `#EXT-X-MEDIA-SEQUENCE:${String(this.#segments[0]?.msn ?? 0)}`]
    lines.push('#EXT-X-MAP:URI="init.mp4"')
    const current = this.#current
    for (const { msn, parts } of this.#segments) {
      const atMs = (this.#startedAtMs ?? 0) + msn * SEGMENT_SECONDS * 1000
      if (parts.length > 0) {
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(atMs).toISOString()}`)
      }
      if (msn >= current.msn - SEGMENTS_WITH_PARTS) {
        for (const part of parts.keys()) {
          const isIndependent = part === 0 ? ',INDEPENDENT=YES' : ''
          const duration = PART_SECONDS.toFixed(5)
          lines.push(
            `#EXT-X-PART:DURATION=${duration},URI="${partName(msn, part)}"${isIndependent}`,
          )
        }
      }
      if (msn < current.msn) {
        lines.push(`#EXTINF:${SEGMENT_SECONDS.toFixed(5)},`, segmentName(msn))
      }
    }
    const hinted = partName(current.msn, current.parts.length)
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hinted}"`)
    return `${lines.join('\n')}\n`
  }

  #put(name: string, body: string | Uint8Array): void {
    const { base, apiKey } = this.#options
    this.#queue = this.#queue.then(async () => {
      try {
        const answer = await http(`${base}/${name}?ttl_seconds=60`, {
          method: 'PUT',
          headers: { authorization: apiKey },
          body,
        })
        if (answer.status !== 204) this.refused.push(`${name}: ${answer.text}`)
      } catch (error) {
        this.refused.push(`${name}: ${String(error)}`)
      }
    })
  }
}

function partName(msn: number, part: number): string {
  return `part_${String(msn)}_${String(part)}.m4s`
}

function segmentName(msn: number): string {
  return `segment_${String(msn)}.m4s`
}
