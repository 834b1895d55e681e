/**
 * The directory where a server keeps what must outlive it: keys, caches, `server.json`. One process
 * owns it at a time. Not the place of item bodies.
 */

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { systemErrorCode } from '../base/system-error.ts'
import type { Clock } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import { HeadwaterError } from '../base/errors.ts'
import { lockDirectory } from './directory-lock.ts'
import type { DirectoryLock } from './directory-lock.ts'
import { JsonDocuments } from './json-documents.ts'

export interface DataDirectoryOptions {
  /** Whether a directory that is not there is made (0700, with its parents). */
  readonly create: boolean
  readonly clock?: Clock
}

/** An owned data directory. */
export class DataDirectory {
  /** Absolute, links resolved. */
  readonly path: string
  readonly documents: JsonDocuments
  readonly #lock: DirectoryLock

  private constructor(path: string, documents: JsonDocuments, lock: DirectoryLock) {
    this.path = path
    this.documents = documents
    this.#lock = lock
  }

  /**
   * Takes the directory. A new or empty one becomes 0700; one with something in it keeps its mode.
   * Nothing in it is changed, but files that a killed process left half written.
   *
   * @throws {HeadwaterError} `HW_DATA_DIR_UNUSABLE` when it is not there (and not to be made), not a
   *   directory, or not writable; `HW_DATA_DIR_LOCKED` when another process owns it.
   */
  static async open(path: string, options: DataDirectoryOptions): Promise<DataDirectory> {
    const clock = options.clock ?? systemClock
    const absolutePath = resolve(path)
    const realPath = await prepare(absolutePath, options.create)
    const owner = { pid: process.pid, startedAt: formatIsoTime(clock.nowMs()) }
    let lock: DirectoryLock
    try {
      lock = await lockDirectory(realPath, owner)
    } catch (cause) {
      throw cause instanceof HeadwaterError ? cause : unusable(realPath, cause)
    }
    const documents = new JsonDocuments(realPath, clock)
    try {
      await documents.removeLeftovers()
    } catch (cause) {
      await lock.release()
      throw unusable(realPath, cause)
    }
    return new DataDirectory(realPath, documents, lock)
  }

  /** Finishes the writes under way, then gives the directory up. May be called twice. */
  async close(): Promise<void> {
    await this.documents.close()
    await this.#lock.release()
  }
}

/** Makes sure that it is a directory that can be written; its real path. */
async function prepare(path: string, create: boolean): Promise<string> {
  try {
    if (create) await makeDirectory(path)
    const realPath = await realpath(path)
    if (!(await stat(realPath)).isDirectory()) {
      throw unusable(path, new Error('it is not a directory'))
    }
    if (create && (await readdir(realPath)).length === 0) {
      await chmod(realPath, 0o700).catch(() => {
        // Ignored: a mounted volume of another owner; its files are 0600 all the same.
      })
    }
    const probe = join(realPath, `.probe.${randomBytes(6).toString('hex')}.tmp`)
    await writeFile(probe, '', { flag: 'wx', mode: 0o600 })
    // Gone already when the owner tidied up meanwhile: it takes the probe for a leftover.
    await rm(probe, { force: true })
    return realPath
  } catch (cause) {
    throw cause instanceof HeadwaterError ? cause : unusable(path, cause)
  }
}

/** With its parents. `mkdir`'s own `recursive` never returns below `/proc` (Node 20.20). */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path))
      await mkdir(path, { mode: 0o700 })
    } else if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) {
      throw error
    }
  }
}

function unusable(path: string, cause: unknown): HeadwaterError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HeadwaterError(
    'HW_DATA_DIR_UNUSABLE',
    `The data directory ${path} cannot be used: ${reason}.`,
    {
      detail:
        'Give a directory that this user may write (dataDir), or correct its owner and permissions. Nothing was changed.',
      cause,
    },
  )
}
