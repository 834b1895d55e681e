/** Tapes made by hand, whole and hostile. */

import { encodeTapeRecord, TAPE_FORMAT, TAPE_VERSION } from '../../../src/tape/tape-format.ts'
import type { TapeHead, TapeRecord, TapeRequest } from '../../../src/tape/tape-format.ts'
import { TapeReader } from '../../../src/cli/tape/tape-reader.ts'
import type { TapeItem, TapeLimits } from '../../../src/cli/tape/tape-reader.ts'

export const HEAD: TapeHead = {
  type: 'head',
  format: TAPE_FORMAT,
  version: TAPE_VERSION,
  recordedAt: '2026-11-21T10:00:00.000Z',
  cache: 'live-origin',
  isScrubbed: false,
  program: 'test',
}

/** A PUT that was accepted, at 10 ms for each number. */
export function requestOf(
  number: number,
  body: string,
  change: Partial<TapeRequest> = {},
): TapeRequest {
  const at = number * 10
  const sizeBytes = Buffer.byteLength(body, 'latin1')
  return {
    ...{
      type: 'request',
      number,
      connection: 1,
      at,
      method: 'PUT',
      path: `${number}.ts`,
      query: '',
    },
    ...{ headers: [['Host', 'a.example']], credential: 'header', framing: 'length' },
    ...{ lengthBytes: sizeBytes, sizeBytes, chunks: sizeBytes === 0 ? [] : [[at + 1, sizeBytes]] },
    ...{ endAt: at + 2, end: 'whole', answeredAt: at + 3, status: 204 },
    ...change,
  }
}

export type Recorded = readonly [TapeRecord, string?]

/** The records with their bodies, as they are: nothing is checked. */
export function bytesOf(records: readonly Recorded[]): Buffer {
  return Buffer.concat(
    records.flatMap(([record, body]) =>
      encodeTapeRecord(record, body === undefined ? undefined : Buffer.from(body, 'latin1')),
    ),
  )
}

/** A whole tape of these requests. */
export function tapeOf(
  requests: readonly (readonly [TapeRequest, string])[],
  others: readonly Recorded[] = [],
  head: TapeHead = HEAD,
): Buffer {
  const bodyBytes = requests.reduce((sum, [{ sizeBytes }]) => sum + sizeBytes, 0)
  const end = { at: 1000, requestCount: requests.length, bodyBytes, unfinishedCount: 0 }
  return bytesOf([[head], ...requests, ...others, [{ type: 'end', ...end }]])
}

/** All of a tape's records, and how it ended. */
export async function readAll(
  bytes: Buffer,
  pieceBytes = bytes.length,
  limits?: TapeLimits,
): Promise<{ readonly items: readonly TapeItem[]; readonly isCut: boolean }> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
  }
  const reader = await TapeReader.open(pieces(), limits)
  const items: TapeItem[] = []
  for (;;) {
    const item = await reader.next()
    if (item === 'cut') return { items, isCut: true }
    items.push(item)
    if (item.record.type === 'end') return { items, isCut: false }
  }
}
