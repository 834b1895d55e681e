/**
 * The directory of the disk store's files: whether it is one, before anything in it is opened. What
 * another program made, or what is damaged, is refused as it is.
 */

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { JsonDocuments } from './json-documents.ts'
import { examineLmdbFile } from './lmdb-file.ts'

const MARKER = 'format.json'
const DATA_FILE = 'data.mdb'
const FORMAT = 'headwater-objects'
const VERSION = 1

/**
 * Makes the directory, or makes sure that it is one of ours.
 *
 * @throws HeadwaterError `HW_DATA_DIR_CORRUPT`, with nothing changed; `HW_DATA_DIR_UNUSABLE`.
 */
export async function prepareDiskDirectory(path: string, clock: Clock): Promise<void> {
  let names: readonly string[]
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    names = await readdir(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HeadwaterError('HW_DATA_DIR_UNUSABLE', `${path} cannot be used: ${reason}.`, {
      detail: 'Check the owner and the permissions of the directory.',
      cause,
    })
  }
  const documents = new JsonDocuments(path, clock)
  try {
    if (!names.includes(MARKER)) {
      // Half of a marker is all that a killed first start can leave.
      const foreign = names.find((name) => !name.startsWith(`.${MARKER}.`))
      if (foreign !== undefined) throw corrupt(path, `${foreign} is in it, but no ${MARKER}`)
      await documents.removeLeftovers()
      await documents.write(MARKER, { format: FORMAT, version: VERSION })
      return
    }
    checkMarker(path, await documents.read(MARKER))
  } finally {
    await documents.close()
  }
  if (!names.includes(DATA_FILE)) return
  const problem = await examineLmdbFile(join(path, DATA_FILE))
  if (problem !== undefined) throw corrupt(path, problem)
}

function checkMarker(path: string, marker: unknown): void {
  const isObject = typeof marker === 'object' && marker !== null
  const format = isObject && 'format' in marker ? marker.format : undefined
  const version = isObject && 'version' in marker ? marker.version : undefined
  if (format !== FORMAT) throw corrupt(path, `its ${MARKER} does not say "${FORMAT}"`)
  if (version === VERSION) return
  throw corrupt(path, `its format is version ${String(version)}, this program reads ${VERSION}`)
}

function corrupt(path: string, what: string): HeadwaterError {
  return new HeadwaterError('HW_DATA_DIR_CORRUPT', `${path} cannot be opened: ${what}.`, {
    detail:
      'Nothing was changed. Restore the directory from a backup, or move it away to start without the objects in it.',
  })
}
