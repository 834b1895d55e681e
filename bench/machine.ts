/** What a figure was measured on, and which core runs what. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { roundTo } from './statistics.ts'

export interface Machine {
  readonly cpuModel: string
  readonly coreCount: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** Linux: least, default and largest send buffer of a TCP socket. Decides writes per segment. */
  readonly tcpWmem: string | undefined
}

export function describeMachine(): Machine {
  return {
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    coreCount: cpus().length,
    memoryGib: roundTo(totalmem() / 1024 ** 3, 1),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
    tcpWmem: readTcpWmem(),
  }
}

/** The commit that is checked out; ends in `+` when files of `src` differ from it. */
export function sourceCommit(): string | undefined {
  const git = (...args: readonly string[]) =>
    spawnSync('git', ['--no-optional-locks', ...args], { encoding: 'utf8' })
  const head = git('rev-parse', '--short', 'HEAD')
  if (head.status !== 0) return undefined
  const changed = git('status', '--porcelain', '--', 'src').stdout !== ''
  return head.stdout.trim() + (changed ? '+' : '')
}

/** 0 where the platform has none (Windows). */
export function loadAverage(): number {
  return roundTo(loadavg()[0] ?? 0, 2)
}

const SERVER_CORE = '0'
const GENERATOR_CORE = '1'

/**
 * Moves this process, the generator, to a core of its own.
 *
 * @returns Whether it did; then {@link serverCommand} pins, too. Needs Linux, two cores and taskset.
 */
export function pinGenerator(): boolean {
  if (process.platform !== 'linux' || cpus().length < 2) return false
  const pid = String(process.pid)
  const pinned = spawnSync('taskset', ['-a', '-c', '-p', GENERATOR_CORE, pid], { stdio: 'ignore' })
  return pinned.status === 0
}

/** Command and arguments that run node with `nodeArgs` on the server's core. */
export function serverCommand(
  pinned: boolean,
  nodeArgs: readonly string[],
): readonly [command: string, args: readonly string[]] {
  if (!pinned) return [process.execPath, nodeArgs]
  return ['taskset', ['-c', SERVER_CORE, process.execPath, ...nodeArgs]]
}

function readTcpWmem(): string | undefined {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_wmem', 'utf8').trim().replaceAll('\t', ' ')
  } catch {
    // Ignored: not Linux.
    return undefined
  }
}
