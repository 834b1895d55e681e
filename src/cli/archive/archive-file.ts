/** The file of an archive on this machine: whole or not there. */

import { createReadStream } from 'node:fs'
import { open, rename, stat, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HeadwaterError } from '../../base/errors.ts'
import type { WriteBytes } from './archive-writer.ts'

/**
 * Lets the work write a file beside the one that is meant, which then takes its name. After a failure
 * the file from before is as it was.
 *
 * @throws HeadwaterError `HW_ARCHIVE_FILE`; as the work does.
 */
export async function writeArchiveFile<Result>(
  cwd: string,
  name: string,
  work: (write: WriteBytes) => Promise<Result>,
): Promise<Result> {
  const path = resolve(cwd, name)
  // A device or a pipe is written itself: a file in the place of /dev/null would be remembered.
  const isPlain = await isFileOrAbsent(path)
  const target = isPlain ? `${path}.partial` : path
  // Playlists can hold tokens: for the user alone.
  const file = await open(target, 'w', 0o600).catch((error: unknown) =>
    fail('written', path, error),
  )
  try {
    const result = await work(async (bytes) => {
      await file.writeFile(bytes).catch((error: unknown) => fail('written', path, error))
    })
    if (isPlain) await file.sync()
    await file.close()
    if (isPlain) await rename(target, path)
    return result
  } catch (error) {
    await file.close()
    if (isPlain) await unlink(target)
    throw error
  }
}

/** @throws HeadwaterError `HW_ARCHIVE_FILE`, once it is read. */
export async function* readArchiveFile(cwd: string, name: string): AsyncGenerator<unknown> {
  const path = resolve(cwd, name)
  try {
    for await (const chunk of createReadStream(path)) yield chunk
  } catch (error) {
    fail('read', path, error)
  }
}

async function isFileOrAbsent(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    // Ignored: not there, or not to be seen, which opening it will say.
    return true
  }
}

function fail(what: string, path: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new HeadwaterError('HW_ARCHIVE_FILE', `${path} cannot be ${what}: ${reason}.`, { cause })
}
