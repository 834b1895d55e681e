/** An origin in a process of its own, and what it uses: CPU and memory. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PartialConfig } from '../src/config/schema.ts'
import { serverCommand } from './machine.ts'
import type { ServerCommand, ServerMessage } from './server-entry.ts'

export interface ServerOptions {
  /** Folder with the built origin (`dist/`) and this bench, compiled. */
  readonly buildDir: string
  readonly pinned: boolean
  readonly settings: PartialConfig
  /** False: an origin that neither measures nor logs requests. */
  readonly observeRequests?: boolean
  /** Kept afterwards; a temporary one when absent. */
  readonly dataDir?: string
  /** Further flags of the child's node: `--trace-gc`, what V8 can be told. */
  readonly nodeFlags: readonly string[]
  /** Writes a CPU profile of the child there when it stops. */
  readonly profileDir: string | undefined
}

/** CPU time since the start of the process, all threads. */
export interface CpuTime {
  readonly totalUs: number
  /** Of them outside the kernel. Linux counts it in steps of 10 ms. */
  readonly userUs: number
}

type Usage = Extract<ServerMessage, { kind: 'usage' }>
type Ready = Extract<ServerMessage, { kind: 'ready' }>

export class ServerProcess {
  readonly #child: ChildProcess
  readonly #ready: Ready

  /** @throws Error when the origin does not start; its own message is on stderr. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const profile =
      options.profileDir === undefined
        ? []
        : ['--cpu-prof', '--cpu-prof-interval', '250', '--cpu-prof-dir', options.profileDir]
    const [command, args] = serverCommand(options.pinned, [
      ...profile,
      ...options.nodeFlags,
      join(options.buildDir, 'server-entry.js'),
      pathToFileURL(join(options.buildDir, 'dist/app.js')).href,
      JSON.stringify(options.settings),
      JSON.stringify(options.observeRequests ?? true),
      JSON.stringify(options.dataDir ?? ''),
    ])
    const child = spawn(command, args, { stdio: ['ignore', 2, 2, 'ipc'] })
    const ready = await nextMessage(child, 'ready')
    return new ServerProcess(child, ready)
  }

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child
    this.#ready = ready
  }

  get dataPlaneUrl(): string {
    return this.#ready.dataPlaneUrl
  }

  get apiKey(): string {
    return this.#ready.apiKey
  }

  usage(): Promise<Usage> {
    const answer = nextMessage(this.#child, 'usage')
    this.#send('usage')
    return answer
  }

  /** Linux: from /proc, to the nanosecond and without disturbing the child. Else the child is asked. */
  async cpuTime(): Promise<CpuTime> {
    const pid = this.#child.pid
    if (process.platform === 'linux' && pid !== undefined) return readProcCpuTime(pid)
    const { userCpuUs, systemCpuUs } = await this.usage()
    return { totalUs: userCpuUs + systemCpuUs, userUs: userCpuUs }
  }

  /** A gauge of the origin's own, by its name in `/metrics`. */
  async gauge(name: string): Promise<number> {
    const response = await fetch(`${this.#ready.adminUrl}/metrics`)
    const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
    if (line === undefined) throw new Error(`/metrics has no ${name}`)
    return Number(line.slice(name.length + 1))
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#send('stop')
    await exited
  }

  #send(command: ServerCommand): void {
    this.#child.send(command)
  }
}

/** `/proc/PID/stat` counts in units of USER_HZ, which is 100 on every architecture of Linux. */
const TICK_US = 10_000

function readProcCpuTime(pid: number): CpuTime {
  let totalNs = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
    totalNs += Number(text.slice(0, text.indexOf(' ')))
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // After the name in brackets: state is the first, utime the 12th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { totalUs: totalNs / 1000, userUs: Number(fields[11]) * TICK_US }
}

function nextMessage<Kind extends ServerMessage['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<ServerMessage, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      child.off('message', onMessage).off('exit', onExit).off('error', onExit)
    }
    const onMessage = (message: unknown) => {
      // Only server-entry.ts speaks on this channel.
      const known = message as ServerMessage
      if (known.kind !== kind) return
      settle()
      resolve(known as Extract<ServerMessage, { kind: Kind }>)
    }
    const onExit = (reason: unknown) => {
      settle()
      reject(new Error(`the origin left before it said "${kind}": ${String(reason)}`))
    }
    child.on('message', onMessage).on('exit', onExit).on('error', onExit)
  })
}
