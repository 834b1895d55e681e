/** Origins in this process that share a Valkey, and what is written to and read from them. */

import type { Test } from 'tap'
import { startHeadwater } from '../../../src/app.ts'
import type { Headwater } from '../../../src/app.ts'
import { http } from '../../support/http.ts'
import type { HttpAnswer } from '../../support/http.ts'

export interface ValkeyOrigin {
  readonly headwater: Headwater
  /** For 60 s, unless told otherwise. */
  put(key: string, body: string | Uint8Array, ttlSeconds?: number): Promise<HttpAnswer>
  get(key: string): Promise<HttpAnswer>
  isReady(): Promise<boolean>
}

/** Closed at the end of the test. */
export async function openValkeyOrigin(
  t: Test,
  url: string,
  timeoutMs: number,
): Promise<ValkeyOrigin> {
  const headwater = await startHeadwater({
    settings: {
      storage: { kind: 'valkey', timeoutMs, valkey: { url } },
      http: { shutdownSeconds: 1 },
    },
  })
  t.teardown(() => headwater.close())
  const base = `${headwater.dataPlaneUrl}/cache/live-origin`
  const { encoder, player } = headwater.keys
  return {
    headwater,
    put: (key, body, ttlSeconds = 60) =>
      http(`${base}/${key}?ttl_seconds=${String(ttlSeconds)}`, {
        ...{ method: 'PUT', body, headers: { authorization: encoder } },
      }),
    get: (key) => http(`${base}/${key}`, { headers: { authorization: player } }),
    isReady: async () => (await http(`${headwater.dataPlaneUrl}/health/ready`)).status === 200,
  }
}

/** Three segments of a second from this number on, named by their numbers. */
export function mediaPlaylist(msn: number, targetDurationSeconds = 1): string {
  const head = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${String(targetDurationSeconds)}\n`
  const segments = [msn, msn + 1, msn + 2].map((index) => `#EXTINF:1,\n${String(index)}.ts\n`)
  return `${head}#EXT-X-MEDIA-SEQUENCE:${String(msn)}\n${segments.join('')}`
}

/** The first segment's number of a playlist; -1 for anything else. */
export function msnOf(answer: HttpAnswer): number {
  if (answer.status !== 200) return -1
  return Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(answer.text)?.[1] ?? -1)
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0
}
