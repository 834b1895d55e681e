/** The origin of a soak: the built program as a process of its own, and what it says of itself. */

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { http } from '../support/http.ts'

/** One scrape. Absent metrics are 0. */
export interface OriginFigures {
  readonly residentBytes: number
  readonly hotStoreBytes: number
  readonly pinnedBytes: number
  readonly pinnedItemCount: number
  readonly waiterCount: number
  readonly uploadsInFlightBytes: number
  readonly evictionCount: number
  readonly connectionCount: number
  readonly readsByStatus: Readonly<Record<string, number>>
  readonly findingsByRule: Readonly<Record<string, number>>
  readonly refusedWritesByReason: Readonly<Record<string, number>>
}

export class OriginChild {
  readonly dataPlaneUrl: string
  readonly #adminUrl: string
  readonly #superUserKey: string
  readonly #process: ChildProcess
  readonly #dataDir: string
  /** Lines of its log: warnings and errors, findings, and what became of channels. */
  readonly notable: Readonly<Record<string, unknown>>[] = []

  private constructor(options: {
    readonly process: ChildProcess
    readonly dataDir: string
    readonly ready: Readonly<Record<string, string>>
    readonly superUserKey: string
  }) {
    this.#process = options.process
    this.#dataDir = options.dataDir
    this.dataPlaneUrl = options.ready['dataPlaneUrl'] ?? ''
    this.#adminUrl = options.ready['adminUrl'] ?? ''
    this.#superUserKey = options.superUserKey
  }

  /** @param flags  Of `serve`, besides ports and data directory. */
  static async start(
    mainFile: string,
    dataDir: string,
    flags: readonly string[] = [],
  ): Promise<OriginChild> {
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith('HEADWATER_'))
    const child = spawn(
      process.execPath,
      [mainFile, 'serve', '--port', '0', '--admin-port', '0', '--data-dir', dataDir, ...flags],
      { cwd: dataDir, env: Object.fromEntries(env), stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once('line', resolve)
      child.once('exit', () => reject(new Error('the origin did not start')))
    })
    // The ready line is one JSON object of strings.
    const ready = JSON.parse(line) as Record<string, string>
    const superUserKey = await readKey(dataDir, 'super-user')
    const origin = new OriginChild({ process: child, dataDir, ready, superUserKey })
    createInterface(child.stderr).on('line', (text) => origin.#note(text))
    return origin
  }

  /** Made by the first start. */
  key(role: 'encoder' | 'player' | 'super-user'): Promise<string> {
    return readKey(this.#dataDir, role)
  }

  /** Makes a cache and its two keys, by the admin API. */
  async openCache(
    name: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly encoder: string; readonly player: string }> {
    await this.#admin('POST', '/api/caches', { name, settings })
    const mint = async (role: string) => {
      const made = await this.#admin('POST', '/api/keys', { caches: [name], role })
      // A new key's answer holds its momento_key_info.json.
      return (made as { readonly keyInfo: { readonly apiKey: string } }).keyInfo.apiKey
    }
    return { encoder: await mint('readwrite'), player: await mint('readonly') }
  }

  async figures(): Promise<OriginFigures> {
    const [metrics, residentBytes] = await Promise.all([
      http(`${this.#adminUrl}/metrics`, { headers: { authorization: this.#superUserKey } }),
      residentBytesOf(this.#process.pid ?? 0),
    ])
    const one = (name: string) => samplesOf(metrics.text, name)[''] ?? 0
    return {
      residentBytes,
      hotStoreBytes: one('headwater_hot_store_size_bytes'),
      pinnedBytes: one('headwater_hot_store_pinned_bytes'),
      pinnedItemCount: one('headwater_hot_store_pinned_items'),
      waiterCount: one('headwater_waiters'),
      uploadsInFlightBytes: one('headwater_uploads_in_flight_bytes'),
      evictionCount: one('headwater_hot_store_evictions_total'),
      connectionCount: samplesOf(metrics.text, 'headwater_connections')['plane="data"'] ?? 0,
      readsByStatus: samplesOf(metrics.text, 'headwater_requests_total', 'operation="read",'),
      findingsByRule: unquote(samplesOf(metrics.text, 'headwater_findings_total')),
      refusedWritesByReason: unquote(samplesOf(metrics.text, 'headwater_refused_writes_total')),
    }
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await exited
    return this.#process.exitCode
  }

  async #admin(method: string, path: string, body: unknown): Promise<unknown> {
    const answer = await http(`${this.#adminUrl}${path}`, {
      method,
      headers: { authorization: this.#superUserKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`)
    return JSON.parse(answer.text)
  }

  #note(text: string): void {
    try {
      // pino's lines are JSON objects.
      const line = JSON.parse(text) as Record<string, unknown>
      const message = String(line['msg'])
      const isNotable =
        Number(line['level']) >= 40 || /^(?:playlist finding|channel )/.test(message)
      if (isNotable) this.notable.push(line)
    } catch {
      this.notable.push({ msg: text })
    }
  }
}

async function readKey(dataDir: string, name: string): Promise<string> {
  const text = await readFile(join(dataDir, `${name}-key.json`), 'utf8')
  // Written by the first start.
  return (JSON.parse(text) as { readonly apiKey: string }).apiKey
}

/** Label text -> value of a metric; `''` is the key of one without labels. */
function samplesOf(text: string, name: string, labelPrefix = ''): Record<string, number> {
  const samples: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, labels = '', value] = new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`).exec(line) ?? []
    if (value === undefined || !labels.startsWith(labelPrefix)) continue
    samples[labels.slice(labelPrefix.length)] = Number(value)
  }
  return samples
}

/** `rule="x"` -> `x`. */
function unquote(samples: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(samples).map(([labels, value]) => [labels.split('"')[1] ?? labels, value]),
  )
}

/** 0 where the system does not say (Windows). */
async function residentBytesOf(pid: number): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    return Number(stdout) * 1024
  } catch {
    return 0
  }
}
