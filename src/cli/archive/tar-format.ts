/**
 * The part of the tar format that an archive of objects needs: ustar headers of plain files, and pax
 * extended headers with records of text (POSIX.1-2017, pax, "ustar Interchange Format" and "pax
 * Interchange Format"). Bytes to shapes and back; no I/O. Links, folders, devices, sparse files and
 * GNU's own extensions are not here: archives have none.
 */

export const BLOCK_BYTES = 512

/** An ustar size field holds eleven octal digits. */
export const FILE_SIZE_BYTES_MAX = 8 ** 11 - 1

/** `file`: a plain file. `pax`: records that belong to the next one. */
export type TarEntryType = 'file' | 'pax'

export interface TarHeader {
  /** ASCII, at most 100 chars. */
  readonly name: string
  readonly type: TarEntryType
  /** Of what follows, without the padding. */
  readonly sizeBytes: number
  /** Seconds since 1970; 0 when read from a field that holds none. */
  readonly modifiedSeconds: number
}

const TYPE_FLAGS: Readonly<Record<TarEntryType, string>> = { file: '0', pax: 'x' }

/**
 * One block.
 *
 * @throws RangeError for a name or a size that the format cannot hold: callers choose both.
 */
export function formatTarHeader({ name, type, sizeBytes, modifiedSeconds }: TarHeader): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new RangeError('not a name for an ustar header')
  if (sizeBytes > FILE_SIZE_BYTES_MAX) throw new RangeError('too large for an ustar header')
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0, 'latin1')
  block.write('0000644\0', 100, 'latin1')
  block.write('0000000\0', 108, 'latin1')
  block.write('0000000\0', 116, 'latin1')
  block.write(`${octal(sizeBytes, 11)} `, 124, 'latin1')
  block.write(`${octal(Math.max(0, Math.floor(modifiedSeconds)), 11)} `, 136, 'latin1')
  block.write(TYPE_FLAGS[type], 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${octal(checksumOf(block), 6)}\0 `, 148, 'latin1')
  return block
}

/**
 * @param block  {@link BLOCK_BYTES} bytes.
 * @returns `end` for a block of zeros; otherwise what is wrong with it, as words for people.
 */
export function parseTarHeader(block: Buffer): TarHeader | 'end' | { readonly problem: string } {
  if (block.every((byte) => byte === 0)) return 'end'
  if (block.toString('latin1', 257, 262) !== 'ustar') return { problem: 'it is no tar file' }
  if (parseOctal(block, 148, 8) !== checksumOf(block)) {
    return { problem: 'the checksum of a header is wrong' }
  }
  const flag = block.toString('latin1', 156, 157)
  const type = flag === '0' || flag === '\0' ? 'file' : flag === 'x' ? 'pax' : undefined
  if (type === undefined) {
    return { problem: 'there is something in it that is not a plain file' }
  }
  const sizeBytes = parseOctal(block, 124, 12)
  if (sizeBytes === undefined) return { problem: 'a size in it is no number' }
  const modifiedSeconds = parseOctal(block, 136, 12) ?? 0
  const [name = ''] = block.toString('latin1', 0, 100).split('\0', 1)
  return { name, type, sizeBytes, modifiedSeconds }
}

/** How many zero bytes follow a body of this size. */
export function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
}

/** The body of a pax header with one record: `<length> <keyword>=<value>\n`. */
export function formatPaxRecord(keyword: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${keyword}=${value}\n`)
  // The length counts its own digits.
  let length = rest + String(rest).length
  if (rest + String(length).length > length) length += 1
  return Buffer.from(`${length} ${keyword}=${value}\n`)
}

/** @returns Values by keyword, the last of each; `undefined` when it is not well-formed. */
export function parsePaxRecords(body: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>()
  let start = 0
  while (start < body.length) {
    // Two digits more than the largest body that callers take has.
    const head = /^([1-9]\d{0,8}) ([^=\n]{1,100})=/.exec(
      body.toString('utf8', start, Math.min(body.length, start + 120)),
    )
    const [prefix, digits = '', keyword = ''] = head ?? []
    const end = start + Number(digits)
    const valueStart = start + Buffer.byteLength(prefix ?? '')
    if (head === null || end > body.length || end <= valueStart || body[end - 1] !== 0x0a) {
      return undefined
    }
    records.set(keyword, body.toString('utf8', valueStart, end - 1))
    start = end
  }
  return records
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function parseOctal(block: Buffer, start: number, length: number): number | undefined {
  const text = block.toString('latin1', start, start + length)
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 8)
}

/** The sum of all bytes, with the checksum's own field read as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < BLOCK_BYTES; index++) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0
  }
  return sum
}
