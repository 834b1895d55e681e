/**
 * Reads the head of a hot request: GET or HEAD of an item, HTTP/1.1, in a grammar narrower than RFC
 * 9112. Whatever is unusual is none: the whole connection then goes to the other lane, from this
 * request's first byte, and nothing is interpreted twice.
 */

/** Header fields as Node gives them: lower-case names, one value each. */
export type LaneHeaders = Readonly<Record<string, string>>

export interface RequestHead {
  readonly method: 'GET' | 'HEAD'
  /** As it was sent. Begins with `/cache/`. */
  readonly url: string
  readonly headers: LaneHeaders
  /** Where the next request begins. */
  readonly endOffset: number
}

/** `incomplete`: so far so good, but there is no end yet. */
export type HeadResult = RequestHead | 'incomplete' | 'other'

export interface HeadBounds {
  readonly headerBytesMax: number
  readonly urlBytesMax: number
}

const HEADERS_MAX = 100
const TAB = 0x09
const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const COLON = 0x3a

/** Fields that say something of framing or of the connection: the other lane knows what to do. */
const NOT_HERE = new Set([
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** RFC 9110 §5.6.2, without what no field name of the field's uses. */
const TOKEN = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-') {
  TOKEN[char.charCodeAt(0)] = 1
}

/** A connection's reader: remembers the last header block, which CDNs and players repeat. */
export class HeadReader {
  readonly #bounds: HeadBounds
  #knownBlock: Buffer = Buffer.alloc(0)
  #knownHeaders: LaneHeaders = {}

  constructor(bounds: HeadBounds) {
    this.#bounds = bounds
  }

  read(bytes: Buffer, start: number): HeadResult {
    let method: 'GET' | 'HEAD'
    let targetStart: number
    if (startsWith(bytes, start, GET)) {
      method = 'GET'
      targetStart = start + 4
    } else if (startsWith(bytes, start, HEAD)) {
      method = 'HEAD'
      targetStart = start + 5
    } else return 'other'
    let targetEnd = targetStart
    const { length } = bytes
    for (; targetEnd < length; targetEnd++) {
      const byte = bytes[targetEnd] ?? 0
      if (byte > 0x20 && byte < 0x7f) continue
      if (byte !== SPACE) return 'other'
      break
    }
    if (targetEnd - targetStart > this.#bounds.urlBytesMax) return 'other'
    if (!startsWith(bytes, targetStart, PATH, length)) return 'other'
    const blockStart = targetEnd + VERSION.length
    if (!startsWith(bytes, targetEnd, VERSION, length)) return 'other'
    if (blockStart > length) return 'incomplete'
    const known = this.#knownBlock
    const knownEnd = blockStart + known.length
    if (
      known.length > 0 &&
      knownEnd <= length &&
      bytes.compare(known, 0, known.length, blockStart, knownEnd) === 0
    ) {
      return this.#head(bytes, { method, targetStart, targetEnd, endOffset: knownEnd })
    }
    const end = bytes.indexOf(END, blockStart - 2, 'latin1')
    if (end === -1) {
      if (length - start > this.#bounds.headerBytesMax) return 'other'
      return readFields(bytes, blockStart, length, true) === undefined ? 'other' : 'incomplete'
    }
    const endOffset = end + 4
    if (endOffset - start > this.#bounds.headerBytesMax) return 'other'
    const headers = readFields(bytes, blockStart, end + 2, false)
    if (headers === undefined) return 'other'
    this.#knownBlock = Buffer.from(bytes.subarray(blockStart, endOffset))
    this.#knownHeaders = headers
    return this.#head(bytes, { method, targetStart, targetEnd, endOffset })
  }

  #head(
    bytes: Buffer,
    at: {
      readonly method: 'GET' | 'HEAD'
      readonly targetStart: number
      readonly targetEnd: number
      readonly endOffset: number
    },
  ): HeadResult {
    const url = bytes.toString('latin1', at.targetStart, at.targetEnd)
    return { method: at.method, url, headers: this.#knownHeaders, endOffset: at.endOffset }
  }
}

const GET = Buffer.from('GET ')
const HEAD = Buffer.from('HEAD ')
const PATH = Buffer.from('/cache/')
const VERSION = Buffer.from(' HTTP/1.1\r\n')
const END = '\r\n\r\n'

/** @param length  Bytes beyond it are not there yet: they may still be what is expected. */
function startsWith(
  bytes: Buffer,
  start: number,
  expected: Buffer,
  length = start + expected.length,
): boolean {
  const count = Math.min(expected.length, length - start)
  for (let index = 0; index < count; index++) {
    if (bytes[start + index] !== expected[index]) return false
  }
  return true
}

/**
 * @param end  After the last field's CRLF; with `isPartial`, after whatever has come.
 * @returns The fields so far, or `undefined` when one of them is not for this lane.
 */
function readFields(
  bytes: Buffer,
  start: number,
  end: number,
  isPartial: boolean,
): LaneHeaders | undefined {
  const headers: Record<string, string> = {}
  let count = 0
  let at = start
  while (at < end) {
    if (++count > HEADERS_MAX) return undefined
    const nameStart = at
    while (at < end && TOKEN[bytes[at] ?? 0] === 1) at++
    if (at === end) return isPartial ? headers : undefined
    // The block's last line, of which only the CR has come.
    if (at === nameStart && isPartial && at + 1 === end && bytes[at] === CR) return headers
    if (at === nameStart || bytes[at] !== COLON) return undefined
    const name = bytes.toString('latin1', nameStart, at).toLowerCase()
    if (NOT_HERE.has(name) || Object.hasOwn(headers, name)) return undefined
    at++
    let valueStart = at
    while (at < end && isValueByte(bytes[at])) at++
    let valueEnd = at
    if (at === end && isPartial) return headers
    if (bytes[at] !== CR) return undefined
    if (at + 1 === end && isPartial) return headers
    if (bytes[at + 1] !== LF) return undefined
    while (valueStart < valueEnd && isBlank(bytes[valueStart])) valueStart++
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--
    const value = bytes.toString('latin1', valueStart, valueEnd)
    if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
    headers[name] = value
    at += 2
  }
  return isPartial || Object.hasOwn(headers, 'host') ? headers : undefined
}

function isValueByte(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= SPACE && byte < 0x7f) || byte === TAB)
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB
}
