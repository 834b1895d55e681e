/**
 * Small files of the data directory: JSON documents and texts. Each is replaced as a whole or not at
 * all, also when the power goes; a file that is not what was written is never overwritten.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { systemErrorCode } from '../base/system-error.ts'
import { HeadwaterError } from '../base/errors.ts'

/** A name in the directory: letters, digits, `.`, `_`, `-`, not starting with a dot. */
const DOCUMENT_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/

const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.tmp$/

/** Virus scanners and indexers hold new files open for a moment on Windows. */
const RENAME_ATTEMPTS_MAX = 10
const RENAME_RETRY_MS = 20

export interface WriteOptions {
  /** Permission bits, where the system has them; 0600 when absent. */
  readonly mode?: number
}

/**
 * Files of one directory by name. Writes of one name happen one after the other: the last call
 * wins. Faults of the disk are `HW_DATA_DIR_UNUSABLE`, broken content is `HW_DATA_DIR_CORRUPT`;
 * both name the file and what to do.
 */
export class JsonDocuments {
  readonly #folder: string
  readonly #clock: Clock
  readonly #pending = new Map<string, Promise<unknown>>()
  readonly #corruptNames = new Set<string>()
  #closed = false

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  /** A document's value; `undefined` when there is none. */
  async read(name: string): Promise<unknown> {
    const text = await this.readText(name)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text) as unknown // The caller checks the shape.
    } catch (cause) {
      throw this.#corruptError(name, 'is not valid JSON', cause)
    }
  }

  /** Resolved means on disk. */
  write(name: string, value: unknown, options: WriteOptions = {}): Promise<void> {
    return this.writeText(name, `${JSON.stringify(value, undefined, 2)}\n`, options)
  }

  /** A file's UTF-8 text; `undefined` when there is none. */
  async readText(name: string): Promise<string | undefined> {
    const path = this.pathOf(name)
    await this.#pending.get(name)?.catch(() => {
      // Ignored: whoever wrote was told.
    })
    let bytes: Uint8Array
    try {
      bytes = await readFile(path)
    } catch (cause) {
      if (isMissing(cause)) return undefined
      throw unusableError(path, 'read', cause)
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (cause) {
      throw this.#corruptError(name, 'is not UTF-8 text', cause)
    }
  }

  writeText(name: string, text: string, options: WriteOptions = {}): Promise<void> {
    return this.#inOrder(name, () => this.#replace(name, text, options.mode ?? 0o600))
  }

  /** Whether there was a file. */
  remove(name: string): Promise<boolean> {
    return this.#inOrder(name, async () => {
      const path = this.pathOf(name)
      try {
        await rm(path)
      } catch (cause) {
        if (isMissing(cause)) return false
        throw unusableError(path, 'removed', cause)
      }
      await syncFolder(this.#folder)
      return true
    })
  }

  /** Where a document is, for messages. */
  pathOf(name: string): string {
    assert(DOCUMENT_NAME.test(name), `not a document's name: ${name}`)
    return join(this.#folder, name)
  }

  /** Removes what a killed process left half written. Only for the directory's owner. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (TEMPORARY_NAME.test(name)) await rm(join(this.#folder, name), { force: true })
    }
  }

  /** Waits for the writes under way; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#pending.values())
  }

  #inOrder<Result>(name: string, action: () => Promise<Result>): Promise<Result> {
    if (this.#closed) {
      const reason = new Error('the data directory was closed')
      return Promise.reject(unusableError(this.pathOf(name), 'written', reason))
    }
    const before = this.#pending.get(name) ?? Promise.resolve()
    const result = before.then(action, action)
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#pending.set(name, settled)
    void settled.then(() => {
      if (this.#pending.get(name) === settled) this.#pending.delete(name)
    })
    return result
  }

  async #replace(name: string, text: string, mode: number): Promise<void> {
    const path = this.pathOf(name)
    if (this.#corruptNames.has(name)) throw this.#corruptError(name, 'was found damaged', undefined)
    const temporary = join(this.#folder, `.${name}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      const file = await open(temporary, 'wx', mode)
      try {
        await file.writeFile(text, 'utf8')
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#renameOver(temporary, path)
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => {
        // Ignored: the reason that follows says more; the next start removes it.
      })
      throw unusableError(path, 'written', cause)
    }
    await syncFolder(this.#folder)
  }

  async #renameOver(from: string, to: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await rename(from, to)
        return
      } catch (error) {
        const isHeldOpen = ['EPERM', 'EBUSY', 'EACCES'].includes(systemErrorCode(error))
        if (process.platform !== 'win32' || !isHeldOpen || attempt === RENAME_ATTEMPTS_MAX) {
          throw error
        }
        await new Promise<void>((resolve) => {
          this.#clock.setTimer(resolve, RENAME_RETRY_MS * attempt)
        })
      }
    }
  }

  #corruptError(name: string, what: string, cause: unknown): HeadwaterError {
    this.#corruptNames.add(name)
    return new HeadwaterError('HW_DATA_DIR_CORRUPT', `The file ${this.pathOf(name)} ${what}.`, {
      detail:
        'Restore it from a backup, or move it away to start without what it held. It was left as it is.',
      cause,
    })
  }
}

/** Makes a rename or removal last. Not every system can open a directory. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // Ignored: Windows and some network file systems cannot; there the rename itself must do.
  }
}

function unusableError(path: string, verb: string, cause: unknown): HeadwaterError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HeadwaterError(
    'HW_DATA_DIR_UNUSABLE',
    `The file ${path} cannot be ${verb}: ${reason}.`,
    { detail: 'Check the free space, the owner and the permissions of the directory.', cause },
  )
}

function isMissing(error: unknown): boolean {
  return systemErrorCode(error) === 'ENOENT'
}
