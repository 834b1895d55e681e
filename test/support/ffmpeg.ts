/**
 * The real ffmpeg and ffprobe for end-to-end tests, run without blocking: the origin under test
 * lives in this process. `scripts/e2e.mjs` says where the tools are.
 */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

const FFMPEG = process.env['E2E_FFMPEG'] ?? 'ffmpeg'
const FFPROBE = process.env['E2E_FFPROBE'] ?? 'ffprobe'

export interface Finished {
  /** `null` when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly finished: Promise<Finished>
}

/** Starts ffmpeg with a test pattern and a tone in real time, and the given output options. */
export function startFfmpeg(outputOptions: readonly string[], size = '320x180'): Running {
  const input = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`]
  const tone = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000']
  return run(FFMPEG, [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning'],
    ...input,
    ...tone,
    ...outputOptions,
  ])
}

/** Runs ffmpeg to its end with the given options, as fast as it goes. */
export function runFfmpeg(options: readonly string[]): Promise<Finished> {
  return run(FFMPEG, ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', ...options])
    .finished
}

/**
 * Starts ffmpeg as a player that decodes so many seconds at the speed of playback and shows them to
 * nobody. Ends with exit code 0 when it has played them.
 */
export function startReader(url: string, seconds: number): Running {
  return run(FFMPEG, [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-re', '-i', url],
    ...['-t', String(seconds), '-f', 'null', '-'],
  ])
}

export interface ProbedStream {
  readonly codec_name: string
  readonly codec_type: string
  readonly width?: number
}

/**
 * The streams that ffprobe finds.
 *
 * @param apiKey  Sent as `Authorization` with each request; not for bytes.
 * @throws Error with ffprobe's words when it cannot read the source.
 */
export async function probeStreams(
  source: string | Uint8Array,
  apiKey?: string,
): Promise<readonly ProbedStream[]> {
  const headers = apiKey === undefined ? [] : ['-headers', `Authorization: ${apiKey}\r\n`]
  const probe = run(FFPROBE, [
    ...['-v', 'error', ...headers, '-show_entries', 'stream=codec_name,codec_type,width'],
    ...['-of', 'json', typeof source === 'string' ? source : '-'],
  ])
  // ffprobe stops reading when it knows enough.
  probe.process.stdin?.on('error', () => undefined)
  probe.process.stdin?.end(typeof source === 'string' ? undefined : source)
  const { exitCode, stdout, stderr } = await probe.finished
  if (exitCode !== 0) throw new Error(`ffprobe: exit ${String(exitCode)}: ${stderr}`)
  // ffprobe's JSON writer, with the entries asked for above.
  const { streams } = JSON.parse(stdout) as { readonly streams?: readonly ProbedStream[] }
  return streams ?? []
}

function run(file: string, args: readonly string[]): Running {
  const child = spawn(file, args, { stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
  return { process: child, finished }
}
