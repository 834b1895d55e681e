/**
 * A live channel of two variants in segments of two seconds, small and with real pictures: made by
 * ffmpeg once, pushed in real time by this process. For many players at once on a small machine.
 */

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http } from './http.ts'
import { runFfmpeg } from './ffmpeg.ts'

export interface LadderVariant {
  /** Its folder; the height is in it, by which scenarios find a rendition. */
  readonly name: string
  readonly bandwidthBitsPerSecond: number
  readonly size: string
  /** {@link SEGMENT_SECONDS} each. */
  readonly segments: readonly Uint8Array[]
}

const CODECS = 'avc1.42c00d,mp4a.40.2'
/** Of each segment, and the target duration. */
export const SEGMENT_SECONDS = 2
export const FRAMES_PER_SECOND = 10
const GOP_FRAMES = String(SEGMENT_SECONDS * FRAMES_PER_SECOND)
const WINDOW_SEGMENTS = 15
/** Noise does not compress: a segment is as large as its rate says, and what is cut or changed hurts. */
const VARIANTS = [
  { name: 'v360', size: '192x108', kbits: 700, bandwidthBitsPerSecond: 1_100_000 },
  { name: 'v144', size: '128x72', kbits: 220, bandwidthBitsPerSecond: 350_000 },
] as const

/** So many seconds of both variants, as fast as ffmpeg makes them. */
export async function makeLadder(seconds: number): Promise<readonly LadderVariant[]> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-ladder-'))
  try {
    await makeSegments(folder, seconds)
    return await Promise.all(
      VARIANTS.map(async ({ name, size, bandwidthBitsPerSecond }) => {
        const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}-`)).sort()
        const segments = await Promise.all(files.map((file) => readFile(join(folder, file))))
        return { name, size, bandwidthBitsPerSecond, segments }
      }),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeSegments(folder: string, seconds: number): Promise<void> {
  const picture = `testsrc2=size=192x108:rate=${FRAMES_PER_SECOND},noise=alls=40:allf=t`
  const outputs = VARIANTS.flatMap(({ name, size, kbits }) => [
    ...['-map', '0:v', '-map', '1:a', '-s', size, '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p'],
    ...['-g', GOP_FRAMES, '-keyint_min', GOP_FRAMES, '-sc_threshold', '0'],
    ...['-b:v', `${kbits}k`, '-maxrate', `${kbits}k`, '-bufsize', `${kbits}k`],
    ...['-c:a', 'aac', '-b:a', '48k', '-ac', '1'],
    ...[
      '-f',
      'hls',
      '-hls_time',
      String(SEGMENT_SECONDS),
      '-hls_list_size',
      '0',
      '-hls_segment_type',
      'mpegts',
    ],
    ...['-hls_segment_filename', join(folder, `${name}-%05d.ts`), join(folder, `${name}.m3u8`)],
  ])
  const { exitCode, stderr } = await runFfmpeg([
    ...['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
    ...outputs,
  ])
  if (exitCode !== 0) throw new Error(`ffmpeg could not make the segments: ${stderr}`)
}

export interface LadderTarget {
  /** `http://127.0.0.1:8080`, no path. */
  readonly dataPlaneUrl: string
  /** What is live is pushed by this scenario, what was there before plainly; '' for none. */
  readonly scenario: string
  readonly encoderKey: string
  /** Before each key: `show`. */
  readonly folder: string
}

/** Media sequence number: no list begins at 0. */
const FIRST_SEQUENCE = 1000

/**
 * Pushes segments and playlists to every target in real time. Begins with a window that is full. What is refused is not sent again: that is for the scenario to show.
 *
 * @returns Resolves when players can start; `close` ends it.
 */
export async function pushLadder(
  variants: readonly LadderVariant[],
  targets: readonly LadderTarget[],
): Promise<{ readonly close: () => Promise<void> }> {
  let count = 0
  const pushNext = async (isLive: boolean) => {
    count++
    await Promise.all(targets.map((target) => send(variants, { ...target, count, isLive })))
  }
  while (count < WINDOW_SEGMENTS) await pushNext(false)
  let last = Promise.resolve()
  const startedAtMs = performance.now()
  const timer = setInterval(() => {
    last = last.then(async () => {
      const dueCount =
        WINDOW_SEGMENTS + Math.floor((performance.now() - startedAtMs) / 1000 / SEGMENT_SECONDS)
      while (count < dueCount) await pushNext(true)
    })
  }, 100)
  return {
    close: async () => {
      clearInterval(timer)
      await last
    },
  }
}

async function send(
  variants: readonly LadderVariant[],
  push: LadderTarget & { readonly count: number; readonly isLive: boolean },
): Promise<void> {
  const { dataPlaneUrl, scenario, encoderKey, folder, count, isLive } = push
  const rig = scenario === '' || !isLive ? '' : `/rig/${scenario}`
  const put = (key: string, body: string | Uint8Array) =>
    http(`${dataPlaneUrl}${rig}/cache/live-origin/${folder}/${key}?ttl_seconds=600`, {
      method: 'PUT',
      body,
      headers: { authorization: encoderKey },
    })
  for (const { name, segments } of variants) {
    const body = segments[count - 1]
    if (body === undefined) continue
    await put(`${name}/${FIRST_SEQUENCE + count - 1}.ts`, body)
    await put(`${name}/list.m3u8`, mediaPlaylist(count))
  }
  if (count === 1) await put('main.m3u8', multivariantPlaylist(variants))
}

function mediaPlaylist(count: number): string {
  const first = Math.max(0, count - WINDOW_SEGMENTS)
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`]
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${FIRST_SEQUENCE + first}`)
  for (let index = first; index < count; index++) {
    lines.push(`#EXTINF:${SEGMENT_SECONDS}.000,`, `${FIRST_SEQUENCE + index}.ts`)
  }
  return `${lines.join('\n')}\n`
}

function multivariantPlaylist(variants: readonly LadderVariant[]): string {
  const lines = variants.flatMap(({ name, size, bandwidthBitsPerSecond }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidthBitsPerSecond},RESOLUTION=${size},CODECS="${CODECS}"`,
    `${name}/list.m3u8`,
  ])
  return `#EXTM3U\n#EXT-X-VERSION:3\n${lines.join('\n')}\n`
}
