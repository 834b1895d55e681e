/** Load by autocannon, for small bodies: at 100 KB and over `raw-client.ts` is used. */

import autocannon from 'autocannon'
import { once } from 'node:events'
import type { Load, Recorder } from './recorder.ts'

export interface SmallRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface SmallLoadOptions {
  readonly url: string
  readonly connections: number
  /** Asked in turn, by each connection. */
  readonly requests: readonly SmallRequest[]
  readonly status: number
  /** Of the body of each answer. */
  readonly bodyBytes: number
  readonly recorder: Recorder
}

/** Stopped by its caller; this bounds a run whose caller died. */
const DURATION_SECONDS_MAX = 60

export async function startSmallLoad(options: SmallLoadOptions): Promise<Load> {
  const { recorder, status, bodyBytes } = options
  let finish: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const instance = autocannon(
    {
      url: options.url,
      connections: options.connections,
      duration: DURATION_SECONDS_MAX,
      // It looks this often whether it has been stopped.
      sampleInt: 50,
      requests: options.requests.map(({ path, headers }) => ({
        method: 'GET' as const,
        path,
        headers: { ...headers },
      })),
    },
    () => finish(),
  )
  instance.on('response', (_client, answeredStatus, _bytes, latencyMs) => {
    if (answeredStatus === status) recorder.add(latencyMs, bodyBytes)
    else recorder.fail(`an answer has status ${String(answeredStatus)}, not ${String(status)}`)
  })
  instance.on('reqError', (error: unknown) => recorder.fail(`a request failed: ${String(error)}`))
  await once(instance, 'start')
  return {
    done,
    stop: async () => {
      instance.stop()
      await done
    },
  }
}
