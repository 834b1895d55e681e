/**
 * How big the memory store is when nobody says: a share of what this process may use, so that a
 * container with 512 MiB is not killed by the defaults of a machine with 64 GiB.
 */

import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

const GIB = 1024 ** 3

/** Where the default takes its figures from; tests give their own. */
export interface MemoryReaders {
  /** A small text file; `undefined` when it cannot be read. */
  readTextFile(path: string): string | undefined
  /** RAM of the machine, bytes. */
  totalMemoryBytes(): number
  /** What the runtime knows of a limit, bytes; 0 or absent for none. */
  constrainedMemoryBytes(): number | undefined
}

const systemReaders: MemoryReaders = {
  readTextFile(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      // Ignored: not Linux, or no such cgroup controller.
      return undefined
    }
  },
  totalMemoryBytes: totalmem,
  constrainedMemoryBytes: () => process.constrainedMemory(),
}

/** The smaller of 1 GiB and half of the memory this process may use, bytes. */
export function hotStoreSizeBytesDefault(readers: MemoryReaders = systemReaders): number {
  return Math.min(GIB, Math.floor(memoryLimitBytes(readers) / 2))
}

/** What this process may use, bytes: the tightest of the machine's RAM, the runtime's limit, cgroup v2 and v1 with their ancestors. */
export function memoryLimitBytes(readers: MemoryReaders = systemReaders): number {
  const limits = [readers.totalMemoryBytes(), readers.constrainedMemoryBytes() ?? 0]
  for (const path of limitFiles(readers.readTextFile('/proc/self/cgroup') ?? '')) {
    // `max` (v2) is not a number; v1 says none with a number near 2^63, which the RAM undercuts.
    limits.push(Number(readers.readTextFile(path)?.trim() ?? Number.NaN))
  }
  return Math.min(...limits.filter((limit) => Number.isFinite(limit) && limit > 0))
}

/**
 * The files that may hold a limit, from `/proc/self/cgroup` (`0::/a/b` in v2, `4:memory:/a/b` in
 * v1): in a container the root alone is visible, outside of one any ancestor may set the limit.
 */
function limitFiles(cgroupText: string): readonly string[] {
  const paths = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']
  for (const line of cgroupText.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (match === null) continue
    const [, controllers = '', group = ''] = match
    const isV2 = controllers === ''
    if (!isV2 && !controllers.split(',').includes('memory')) continue
    const names = group.split('/').filter((name) => name !== '' && name !== '..')
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join('/')
      paths.push(
        isV2
          ? `/sys/fs/cgroup/${folder}/memory.max`
          : `/sys/fs/cgroup/memory/${folder}/memory.limit_in_bytes`,
      )
    }
  }
  return paths
}
