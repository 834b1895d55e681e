/** One request at a time over kept connections, timed: for latencies, not for load. */

import { Agent, request } from 'node:http'

export interface TimedAnswer {
  readonly status: number
  readonly body: Buffer
  /** From the call until the whole answer. */
  readonly ms: number
  readonly startedAtMs: number
  readonly endedAtMs: number
}

export interface TimedTarget {
  readonly url: string
  readonly apiKey: string
}

export class TimedClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #target: TimedTarget

  constructor(target: TimedTarget) {
    this.#target = target
  }

  get(path: string): Promise<TimedAnswer> {
    return this.#exchange('GET', path)
  }

  /** @throws Error for any answer but 204. */
  async put(path: string, body: Buffer): Promise<TimedAnswer> {
    const answer = await this.tryPut(path, body)
    if (answer.status === 204) return answer
    throw new Error(`PUT ${path} was answered ${answer.status}: ${answer.body.toString()}`)
  }

  /** Whatever the answer is. */
  tryPut(path: string, body: Buffer): Promise<TimedAnswer> {
    return this.#exchange('PUT', `${path}?ttl_seconds=3600`, body)
  }

  close(): void {
    this.#agent.destroy()
  }

  #exchange(method: string, path: string, body?: Buffer): Promise<TimedAnswer> {
    const { url, apiKey } = this.#target
    const headers = {
      authorization: apiKey,
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    }
    const startedAtMs = performance.now()
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { agent: this.#agent, method, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const endedAtMs = performance.now()
          resolve({
            status: answer.statusCode ?? 0,
            body: Buffer.concat(chunks),
            ms: endedAtMs - startedAtMs,
            startedAtMs,
            endedAtMs,
          })
        })
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
}
