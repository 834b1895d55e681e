/** The file that a tape is written to: as it grows, so that a recording that breaks is not lost. */

import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { constants, createGzip } from 'node:zlib'
import type { Gzip } from 'node:zlib'
import { HeadwaterError } from '../../base/errors.ts'

/** Unpacked bytes after which what was packed goes to the file. */
const FLUSH_BYTES = 1024 * 1024

export class TapeOutput {
  readonly path: string
  readonly #file: FileHandle
  /** Absent for a file whose name does not end with `.gz`. */
  readonly #gzip: Gzip | undefined
  #packed: Promise<void> = Promise.resolve()
  #unflushedBytes = 0

  /** @throws HeadwaterError `HW_TAPE_FILE`. */
  static async open(cwd: string, name: string): Promise<TapeOutput> {
    const path = resolve(cwd, name)
    // What an encoder sends is for its owner alone.
    const file = await open(path, 'w', 0o600).catch((error: unknown) =>
      failFile('written', path, error),
    )
    return new TapeOutput(path, file)
  }

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
    if (!path.endsWith('.gz')) return
    // Media do not shrink; lines of JSON do at any level.
    this.#gzip = createGzip({ level: 1 })
    this.#packed = this.#copy(this.#gzip)
    // Whoever writes next hears of it.
    this.#packed.catch(() => undefined)
  }

  /** @throws HeadwaterError `HW_TAPE_FILE`. */
  async write(bytes: Uint8Array): Promise<void> {
    const gzip = this.#gzip
    if (gzip === undefined) {
      await this.#file
        .writeFile(bytes)
        .catch((error: unknown) => failFile('written', this.path, error))
      return
    }
    await Promise.race([this.#packed, new Promise<void>((done) => gzip.write(bytes, () => done()))])
    this.#unflushedBytes += bytes.length
    if (this.#unflushedBytes < FLUSH_BYTES) return
    this.#unflushedBytes = 0
    gzip.flush(constants.Z_SYNC_FLUSH)
  }

  /** @throws HeadwaterError `HW_TAPE_FILE`. */
  async close(): Promise<void> {
    try {
      this.#gzip?.end()
      await this.#packed
    } finally {
      await this.#file.close()
    }
  }

  async #copy(gzip: Gzip): Promise<void> {
    try {
      for await (const chunk of gzip) await this.#file.writeFile(chunk as Buffer) // Node's streams are untyped.
    } catch (error) {
      failFile('written', this.path, error)
    }
  }
}

/** @throws HeadwaterError `HW_TAPE_FILE`. */
export function failFile(what: 'read' | 'written', path: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new HeadwaterError('HW_TAPE_FILE', `${path} cannot be ${what}: ${reason}.`, { cause })
}
