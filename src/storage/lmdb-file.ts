/**
 * Whether the file of an LMDB database (lmdb 3.5) has all that the database will ask for. What is
 * missing at its end would be found by a signal that ends the process, and LMDB itself does not look.
 */

import { open, readFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

const PAGE_BYTES = 4096
const HEAD_BYTES = 24
const MAGIC = 0xbeefc0de

/** Of a page. */
const FLAGS_AT = 18
const KEYS_END_AT = 20
const BRANCH = 1
const LEAF = 2

/** Of what a meta page says, behind its head. */
const PAGE_SIZE_AT = 24
const STATE_AT = 28
const FREE_ROOT_AT = 64
const MAIN_ROOT_AT = 112
const LAST_PAGE_AT = 120
const TRANSACTION_AT = 128
const BOOT_AT = 136
const META_BYTES = 144

/** A commit that may not have been on the disk when it was acknowledged. */
const UNSURE = 0x1000

/** Of a node in a leaf. */
const IN_PAGES = 1
const IS_TABLE = 2
const TABLE_BYTES = 48
const TABLE_ROOT_AT = 40
const NONE = 0xffff_ffff_ffff_ffffn

/** A state of the database: one that LMDB may begin with. */
interface Snapshot {
  readonly transaction: bigint
  readonly bootId: bigint
  readonly isSure: boolean
  readonly lastPage: number
  /** Of the tables of free pages and of names. */
  readonly roots: readonly bigint[]
}

/** What is wrong with it; `undefined`: nothing. Reads only. */
export async function examineLmdbFile(path: string): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const metas = Buffer.alloc(2 * PAGE_BYTES)
    const { bytesRead } = await file.read(metas, 0, metas.length, 0)
    const pages = [metas.subarray(0, PAGE_BYTES), metas.subarray(PAGE_BYTES)] as const
    const isOne = pages.every(
      (page) =>
        page.readUInt32LE(HEAD_BYTES) === MAGIC &&
        page.readUInt32LE(HEAD_BYTES + PAGE_SIZE_AT) === PAGE_BYTES,
    )
    if (bytesRead < metas.length || !isOne) return 'it is not a database of objects'
    const wholePages = Math.floor(size / PAGE_BYTES)
    const { lastPage, roots } = snapshotOf(pages, await readBootId())
    // It may be shorter than that: free pages at its end need not have been written.
    if (lastPage < wholePages || (await hasAll(file, roots, wholePages))) return undefined
    return `it has ${size} of ${(lastPage + 1) * PAGE_BYTES} bytes: it was cut`
  } finally {
    await file.close()
  }
}

/** As LMDB chooses: the newest, unless the machine was started since and it was never sure. */
function snapshotOf(pages: readonly [Buffer, Buffer], bootId: bigint | undefined): Snapshot {
  const [first, second] = [readMeta(pages[0], 0), readMeta(pages[1], 0)]
  const flushed = readMeta(pages[0], PAGE_BYTES / 2)
  const [newest, older] =
    first.transaction >= second.transaction ? [first, second] : [second, first]
  const isOfThisBoot = bootId === undefined || newest.bootId === bootId
  if (isOfThisBoot || newest.isSure) return newest
  return flushed.transaction === 0n ? older : flushed
}

function readMeta(page: Buffer, offset: number): Snapshot {
  const meta = page.subarray(offset + HEAD_BYTES, offset + HEAD_BYTES + META_BYTES)
  return {
    transaction: meta.readBigUInt64LE(TRANSACTION_AT),
    bootId: meta.readBigInt64LE(BOOT_AT),
    isSure: (meta.readUInt16LE(STATE_AT) & UNSURE) === 0,
    lastPage: Number(meta.readBigUInt64LE(LAST_PAGE_AT)),
    roots: [FREE_ROOT_AT, MAIN_ROOT_AT].map((at) => meta.readBigUInt64LE(at)),
  }
}

/** As LMDB reads it; `undefined` where it does not. */
async function readBootId(): Promise<bigint | undefined> {
  try {
    const text = await readFile('/proc/sys/kernel/random/boot_id', 'latin1')
    return BigInt(`0x${text.slice(0, text.indexOf('-'))}`)
  } catch {
    // Ignored: not Linux.
    return undefined
  }
}

/** Whether every page that is in use is in the file. Reads all of them but bodies. */
async function hasAll(
  file: FileHandle,
  roots: readonly bigint[],
  pageCount: number,
): Promise<boolean> {
  const next = roots.filter((root) => root !== NONE)
  const page = Buffer.alloc(PAGE_BYTES)
  let seenCount = 0
  for (let number = next.pop(); number !== undefined; number = next.pop()) {
    // More than there are: they name each other in a circle.
    if (number >= BigInt(pageCount) || ++seenCount > pageCount) return false
    await file.read(page, 0, PAGE_BYTES, Number(number) * PAGE_BYTES)
    const named = pagesNamedBy(page)
    if (named === undefined || named.bodiesEnd > BigInt(pageCount)) return false
    next.push(...named.trees)
  }
  return true
}

interface NamedPages {
  readonly trees: readonly bigint[]
  /** The page behind the last one with a part of a body. */
  readonly bodiesEnd: bigint
}

/** `undefined` for what is no page of a tree. */
function pagesNamedBy(page: Buffer): NamedPages | undefined {
  const flags = page.readUInt16LE(FLAGS_AT)
  if (flags !== BRANCH && flags !== LEAF) return undefined
  const trees: bigint[] = []
  let bodiesEnd = 0n
  const keyCount = page.readUInt16LE(KEYS_END_AT) >> 1
  for (let key = 0; key < keyCount; key++) {
    const place = HEAD_BYTES + 2 * key
    const node = place < PAGE_BYTES ? HEAD_BYTES + page.readUInt16LE(place) : PAGE_BYTES
    if (node + 8 > PAGE_BYTES) return undefined
    const kind = page.readUInt16LE(node + 4)
    if (flags === BRANCH) {
      trees.push(BigInt(page.readUInt32LE(node)) | (BigInt(kind) << 32n))
      continue
    }
    const value = node + 8 + page.readUInt16LE(node + 6)
    if ((kind & (IN_PAGES | IS_TABLE)) === 0) continue
    if (value + (kind & IS_TABLE ? TABLE_BYTES : 24) > PAGE_BYTES) return undefined
    if (kind & IS_TABLE) {
      const root = page.readBigUInt64LE(value + TABLE_ROOT_AT)
      if (root !== NONE) trees.push(root)
    } else {
      const end = page.readBigUInt64LE(value) + page.readBigUInt64LE(value + 16)
      if (end > bodiesEnd) bodiesEnd = end
    }
  }
  return { trees, bodiesEnd }
}
