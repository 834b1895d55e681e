/** Two origins that know nothing of each other, and one ffmpeg that pushes to both. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { serveMain } from '../spawn-cli.ts'
import type { Served } from '../spawn-cli.ts'

/** What both sign with, so that a key of one opens the other. */
const SIGNING_KEY = 'twin-origins-of-a-test-0123456789abcdef'

export interface TwinOrigin {
  readonly served: Served
  readonly url: string
  readonly encoderKey: string
  readonly playerKey: string
}

/** A process of its own, as docs/high-availability.md sets it up. */
export async function startTwin(
  t: Test,
  folder: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<TwinOrigin> {
  const served = await serveMain(t, ['--port', String(port), '--admin-port', '0'], {
    cwd: folder,
    env: {
      HEADWATER_AUTH_SIGNING_KEY: SIGNING_KEY,
      HEADWATER_CACHES_DEFAULTS_STALE_AFTER_TARGET_DURATIONS: '3',
      ...env,
    },
  })
  const keyOf = (name: string): string => {
    const file = join(folder, '.headwater', `${name}-key.json`)
    // A key file of the first start.
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly apiKey: string }).apiKey
  }
  const url = `http://127.0.0.1:${String(port)}`
  return { served, url, encoderKey: keyOf('encoder'), playerKey: keyOf('player') }
}

/** The output of docs/high-availability.md: a leg for each origin, each of which may fail and return. */
export function pushToBoth(urls: readonly string[], encoderKey: string): readonly string[] {
  const legs = urls.map((url) => {
    const base = `${url}/cache/live-origin`
    const options = [
      ...['f=hls', 'hls_time=1', 'hls_list_size=6', 'hls_start_number_source=epoch'],
      ...['method=PUT', 'timeout=2', `headers=${escaped(`Authorization: ${encoderKey}`)}`],
      `hls_segment_filename=${escaped(`${base}/live_%d.ts?ttl_seconds=60`)}`,
    ]
    return `[${options.join(':')}]${base}/live.m3u8?ttl_seconds=60`
  })
  const recovery = ['attempt_recovery=1', 'recover_any_error=1', 'recovery_wait_time=1']
  const fifo = [...recovery, 'restart_with_keyframe=1', 'drop_pkts_on_overflow=1'].join(':')
  return [
    ...['-map', '0:v', '-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ...['-pix_fmt', 'yuv420p', '-g', '30', '-keyint_min', '30', '-sc_threshold', '0'],
    ...['-b:v', '300k', '-c:a', 'aac', '-b:a', '64k', '-t', '120'],
    ...['-f', 'tee', '-use_fifo', '1', '-fifo_options', fifo, legs.join('|')],
  ]
}

/** A colon within an option of a leg: escaped for the list of options, and for the list of legs. */
function escaped(text: string): string {
  return text.replaceAll(':', '\\\\:')
}
