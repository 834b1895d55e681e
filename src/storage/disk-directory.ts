/**
 * The directory of the disk store's files: whether it is one, before anything in it is opened. What
 * another program made, or what is damaged, is refused as it is.
 */

import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { JsonDocuments } from './json-documents.ts'

const MARKER = 'format.json'
const DATA_FILE = 'data.mdb'
const FORMAT = 'headwater-objects'
const VERSION = 1

/** Where LMDB's two first pages say what they are (lmdb 3.5: a page header of 24 bytes). */
const PAGE_BYTES = 4096
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24
const PAGE_SIZE_AT = 48
const FREE_ROOT_AT = 88
const MAIN_ROOT_AT = 136
const LAST_PAGE_AT = 144
const TRANSACTION_AT = 152
/** Pages that a commit took and gave back at once are never written at the end of the file. */
const MISSING_BYTES_MAX = 1024 ** 2

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
  if (names.includes(DATA_FILE)) await checkDataFile(join(path, DATA_FILE))
}

function checkMarker(path: string, marker: unknown): void {
  const isObject = typeof marker === 'object' && marker !== null
  const format = isObject && 'format' in marker ? marker.format : undefined
  const version = isObject && 'version' in marker ? marker.version : undefined
  if (format !== FORMAT) throw corrupt(path, `its ${MARKER} does not say "${FORMAT}"`)
  if (version === VERSION) return
  throw corrupt(path, `its format is version ${String(version)}, this program reads ${VERSION}`)
}

/** Reading behind the end of a file that was cut would end the process without a word. */
async function checkDataFile(path: string): Promise<void> {
  const { size } = await stat(path)
  const file = await open(path, 'r')
  const head = Buffer.alloc(2 * PAGE_BYTES)
  let readBytes: number
  try {
    readBytes = (await file.read(head, 0, head.length, 0)).bytesRead
  } finally {
    await file.close()
  }
  const pages = [head.subarray(0, PAGE_BYTES), head.subarray(PAGE_BYTES)]
  const isOurs = pages.every(
    (page) =>
      page.readUInt32LE(MAGIC_AT) === MAGIC && page.readUInt32LE(PAGE_SIZE_AT) === PAGE_BYTES,
  )
  if (readBytes < head.length || !isOurs) throw corrupt(path, 'it is not a database of objects')
  const newest = pages.reduce((left, right) =>
    right.readBigUInt64LE(TRANSACTION_AT) > left.readBigUInt64LE(TRANSACTION_AT) ? right : left,
  )
  const neededBytes = (Number(newest.readBigUInt64LE(LAST_PAGE_AT)) + 1) * PAGE_BYTES
  const isRootThere = [FREE_ROOT_AT, MAIN_ROOT_AT].every((at) => {
    const root = newest.readBigUInt64LE(at)
    // An empty table has none: all bits set.
    return root === 0xffff_ffff_ffff_ffffn || Number(root) * PAGE_BYTES < size
  })
  if (!isRootThere || neededBytes - size > MISSING_BYTES_MAX) {
    throw corrupt(path, `it has ${size} of ${neededBytes} bytes: it was cut`)
  }
}

function corrupt(path: string, what: string): HeadwaterError {
  return new HeadwaterError('HW_DATA_DIR_CORRUPT', `${path} cannot be opened: ${what}.`, {
    detail:
      'Nothing was changed. Restore the directory from a backup, or move it away to start without the objects in it.',
  })
}
