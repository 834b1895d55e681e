/**
 * Whether a write still fits on the disk. A part of it is never used up: what has expired could not
 * be removed without, and the disk would stay full until somebody makes room by hand.
 */

import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

export interface DiskRoomOptions {
  /** Somewhere on the file system. */
  readonly path: string
  /** Of the database's file: bytes that no table needs. */
  readonly freeInFile: () => number
}

const RESERVE_BYTES_MAX = 64 * 1024 ** 2
const RESERVE_SHARE = 0.02
/** Of the room in the file not all fits a body: it lies in pieces. */
const PIECES_FACTOR = 1.25

export class DiskRoom {
  readonly #options: DiskRoomOptions
  /** `undefined` before the first look. */
  #freeOnDiskBytes: number | undefined
  #freeInFileBytes = 0

  constructor(options: DiskRoomOptions) {
    this.#options = options
  }

  /** Looks again; now and then is enough. */
  async look(): Promise<void> {
    this.#freeInFileBytes = this.#options.freeInFile()
    try {
      const { bavail, blocks, bsize } = await statfs(this.#options.path)
      const reserveBytes = Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE)
      this.#freeOnDiskBytes = Math.max(0, bavail * bsize - reserveBytes)
    } catch {
      // Ignored: a file system that does not tell; the write itself will.
      this.#freeOnDiskBytes = Number.POSITIVE_INFINITY
    }
  }

  /** Whether nobody has looked yet. */
  get isUnknown(): boolean {
    return this.#freeOnDiskBytes === undefined
  }

  /** Whether so much can be had from the file system, as of the last look. */
  isOnDisk(bytes: number): boolean {
    return (this.#freeOnDiskBytes ?? 0) >= bytes
  }

  /** @param bytes  What a write will take, about. It is taken away until the next look. */
  take(bytes: number): boolean {
    if (this.#freeInFileBytes >= bytes * PIECES_FACTOR) {
      this.#freeInFileBytes -= bytes * PIECES_FACTOR
      return true
    }
    const freeBytes = this.#freeOnDiskBytes ?? 0
    if (freeBytes < bytes) return false
    this.#freeOnDiskBytes = freeBytes - bytes
    return true
  }
}

/**
 * Half of what a file system has left, with the files in a folder: a bound when nobody gives one. So it
 * stays about the same from start to start.
 */
export async function diskSizeBytesDefault(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  let usedBytes = 0
  for (const name of await readdir(folder)) usedBytes += (await stat(join(folder, name))).size
  return Math.floor((bavail * bsize + usedBytes) / 2)
}
