/**
 * Conditional and range requests (RFC 9110 §13, §14) as pure functions over header values.
 */

import { parseHttpDate } from '../base/dates.ts'

/** The representation that a request is judged against. */
export interface Validators {
  /** Without quotes; strong. */
  readonly etag: string
  readonly lastModifiedMs: number
}

export interface ConditionalHeaders {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
  readonly ifUnmodifiedSince: string | undefined
}

/** In the order of RFC 9110 §13.2.2. */
export function evaluatePreconditions(
  headers: ConditionalHeaders,
  validators: Validators,
): 'proceed' | 'not-modified' | 'failed' {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = headers
  if (ifMatch !== undefined) {
    if (!listsTag(ifMatch, validators.etag, 'strong')) return 'failed'
  } else if (ifUnmodifiedSince !== undefined) {
    const sinceMs = parseHttpDate(ifUnmodifiedSince)
    if (sinceMs !== undefined && wholeSecond(validators.lastModifiedMs) > sinceMs) return 'failed'
  }
  if (ifNoneMatch !== undefined) {
    return listsTag(ifNoneMatch, validators.etag, 'weak') ? 'not-modified' : 'proceed'
  }
  if (ifModifiedSince !== undefined) {
    const sinceMs = parseHttpDate(ifModifiedSince)
    // The date of the PUT's own second does not say which of two writes in it was seen.
    if (sinceMs !== undefined && wholeSecond(validators.lastModifiedMs) < sinceMs) {
      return 'not-modified'
    }
  }
  return 'proceed'
}

/** HTTP dates have seconds. */
function wholeSecond(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000
}

/** `*`, or a list of entity tags, one of which matches (RFC 9110 §8.8.3.2). */
function listsTag(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  for (const [, weak, tag] of list.matchAll(/(W\/)?"([^"]*)"/g)) {
    if (tag === etag && (comparison === 'weak' || weak === undefined)) return true
  }
  return false
}

export interface ByteRange {
  /** Both inclusive, as in `Content-Range`. */
  readonly first: number
  readonly last: number
}

/**
 * One range of a representation of `sizeBytes` bytes. `undefined`: answer the whole (no range,
 * another unit, several ranges, bad syntax: RFC 9110 §14.2 lets a server ignore them).
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  if (header === undefined) return undefined
  const match = /^bytes[ \t]*=[ \t]*(\d{0,15})[ \t]*-[ \t]*(\d{0,15})$/i.exec(header.trim())
  if (match === null) return undefined
  const [, firstText = '', lastText = ''] = match
  if (firstText === '' && lastText === '') return undefined
  if (firstText === '') {
    const suffix = Number(lastText)
    if (suffix === 0 || sizeBytes === 0) return 'unsatisfiable'
    return { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 }
  }
  const first = Number(firstText)
  const last = lastText === '' ? sizeBytes - 1 : Math.min(Number(lastText), sizeBytes - 1)
  if (lastText !== '' && Number(lastText) < first) return undefined
  return first >= sizeBytes ? 'unsatisfiable' : { first, last }
}

/** Whether `If-Range` lets the range be answered: a strong tag, or the exact date (RFC 9110 §13.1.5). */
export function ifRangeHolds(header: string | undefined, validators: Validators): boolean {
  if (header === undefined) return true
  const value = header.trim()
  if (value.startsWith('"')) return value === `"${validators.etag}"`
  const dateMs = parseHttpDate(value)
  return dateMs !== undefined && dateMs === wholeSecond(validators.lastModifiedMs)
}

/** The bytes of a range, without copying. */
export function sliceChunks(chunks: readonly Uint8Array[], range: ByteRange): Uint8Array[] {
  const slices: Uint8Array[] = []
  let offset = 0
  for (const chunk of chunks) {
    const end = offset + chunk.length
    if (end > range.first && offset <= range.last) {
      const from = Math.max(0, range.first - offset)
      const to = Math.min(chunk.length, range.last + 1 - offset)
      slices.push(chunk.subarray(from, to))
    }
    offset = end
  }
  return slices
}
