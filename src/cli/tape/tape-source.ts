/**
 * A tape to be replayed: read once from its file, whole and checked before anything is sent. What is
 * known of its requests is in memory; their bodies stay in the file, or, unpacked, in one of our own.
 */

import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { constants, createGunzip } from 'node:zlib'
import { HeadwaterError } from '../../base/errors.ts'
import { tapeError } from '../../tape/tape-format.ts'
import type { TapeClose, TapeHead, TapeRequest } from '../../tape/tape-format.ts'
import { failFile } from './tape-output.ts'
import { TAPE_LIMITS, TapeReader } from './tape-reader.ts'
import type { TapeLimits } from './tape-reader.ts'

export interface TapedRequest extends TapeRequest {
  /** Where its body is. */
  readonly bodyAt: number
}

export interface Tape {
  readonly head: TapeHead
  /** In the order in which they began. */
  readonly requests: readonly TapedRequest[]
  readonly closes: readonly TapeClose[]
  /** Requests that the recorder missed. */
  readonly missedCount: number
  /** Where it was cut, in words; `undefined` for a whole one. */
  readonly cut: string | undefined
  /** Bytes of a body, which may be all. @throws HeadwaterError `HW_TAPE_FILE`. */
  read(request: TapedRequest, offsetBytes: number, sizeBytes: number): Promise<Buffer>
  close(): Promise<void>
}

export interface OpenTapeOptions {
  readonly cwd: string
  readonly file: string
  /** Plays what is whole of a tape that was cut. */
  readonly acceptCut: boolean
  readonly limits?: TapeLimits
  /** Of a packed tape, unpacked. */
  readonly unpackedBytesMax?: number
}

const UNPACKED_BYTES_MAX = 64 * 1024 * 1024 * 1024
/** Unpacked bytes for each packed one: lines of JSON alone have 10 to 40, and media 1. */
const RATIO_MAX = 200
/** Up to here a ratio says nothing. */
const RATIO_FROM_BYTES = 16 * 1024 * 1024

/** @throws HeadwaterError `HW_TAPE_INVALID`, `HW_TAPE_FILE`. */
export async function openTape(options: OpenTapeOptions): Promise<Tape> {
  const path = resolve(options.cwd, options.file)
  const file = await openFile(path)
  const isPacked = await startsAsGzip(file, path).catch(async (error: unknown) => {
    await file.close()
    throw error
  })
  if (!isPacked)
    return readTape(options, { path, file, chunks: readChunks(path), remove: noRemoval })
  await file.close()
  const folder = await mkdtemp(join(tmpdir(), 'headwater-tape-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const spoolPath = join(folder, 'tape')
  try {
    const spool = await open(spoolPath, 'w+', 0o600)
    const chunks = unpack(path, spool, options.unpackedBytesMax ?? UNPACKED_BYTES_MAX)
    return await readTape(options, { path: spoolPath, file: spool, chunks, remove })
  } catch (error) {
    await remove()
    throw error
  }
}

interface Backing {
  readonly path: string
  readonly file: FileHandle
  readonly chunks: AsyncIterable<unknown>
  readonly remove: () => Promise<void>
}

async function readTape(
  { acceptCut, limits = TAPE_LIMITS }: OpenTapeOptions,
  { path, file, chunks, remove }: Backing,
): Promise<Tape> {
  const requests: TapedRequest[] = []
  const closes: TapeClose[] = []
  let missedCount = 0
  let cut: string | undefined
  try {
    const reader = await TapeReader.open(chunks, limits)
    for (;;) {
      const item = await reader.next()
      if (item === 'cut') {
        cut = cutWords(requests)
        break
      }
      const { record, bodyAt } = item
      if (record.type === 'end') break
      if (record.type === 'request') requests.push({ ...record, bodyAt })
      else if (record.type === 'gap') missedCount += record.requestCount
      else closes.push(record)
      if (closes.length > limits.requestsMax) throw tapeError('it has connections without end')
    }
    if (cut !== undefined && !acceptCut) {
      throw tapeError(
        `it was cut short: ${cut}`,
        'With --accept-cut what is whole of it is played.',
      )
    }
    requests.sort((one, other) => one.at - other.at || one.number - other.number)
    return {
      ...{ head: reader.head, requests, closes, missedCount, cut },
      read: (request, offsetBytes, sizeBytes) =>
        readBytes(file, path, request.bodyAt + offsetBytes, sizeBytes),
      close: async () => {
        await file.close()
        await remove()
      },
    }
  } catch (error) {
    await file.close()
    await remove()
    throw error
  }
}

function cutWords(requests: readonly TapedRequest[]): string {
  const last = requests.at(-1)
  if (last === undefined) return 'not one request is whole'
  const seconds = (last.answeredAt / 1000).toFixed(1)
  const whole = requests.length === 1 ? 'one request is' : `${requests.length} requests are`
  return `${whole} whole, the last one ${seconds} s after the start; its last line is missing`
}

async function readBytes(
  file: FileHandle,
  path: string,
  position: number,
  sizeBytes: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  let read = 0
  while (read < sizeBytes) {
    const { bytesRead } = await file
      .read(bytes, read, sizeBytes - read, position + read)
      .catch((error: unknown) => failFile('read', path, error))
    if (bytesRead === 0) failFile('read', path, 'it is shorter than it was')
    read += bytesRead
  }
  return bytes
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file')
    return await open(path, 'r')
  } catch (error) {
    return failFile('read', path, error)
  }
}

async function startsAsGzip(file: FileHandle, path: string): Promise<boolean> {
  const bytes = Buffer.alloc(2)
  await file.read(bytes, 0, 2, 0).catch((error: unknown) => failFile('read', path, error))
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

async function* readChunks(path: string): AsyncGenerator<unknown> {
  try {
    yield* createReadStream(path)
  } catch (error) {
    failFile('read', path, error)
  }
}

/** Unpacks as far as it goes, into the spool as well. */
async function* unpack(
  path: string,
  spool: FileHandle,
  unpackedBytesMax: number,
): AsyncGenerator<unknown> {
  let packedBytes = 0
  let unpackedBytes = 0
  async function* packed() {
    for await (const chunk of readChunks(path)) {
      packedBytes += (chunk as Buffer).length // Node's streams are untyped.
      yield chunk as Buffer
    }
  }
  // A packed tape that was cut ends where it was cut, without an error.
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
  const source = packed()
  const feeding = feed(source, gunzip)
  try {
    for await (const chunk of gunzip) {
      const bytes = chunk as Buffer // Node's streams are untyped.
      unpackedBytes += bytes.length
      const isBomb = unpackedBytes > RATIO_FROM_BYTES && unpackedBytes > RATIO_MAX * packedBytes
      if (isBomb || unpackedBytes > unpackedBytesMax) {
        throw tapeError(
          isBomb
            ? `it unpacks to more than ${RATIO_MAX} times its size`
            : `it unpacks to more than ${unpackedBytesMax} bytes`,
        )
      }
      await spool.writeFile(bytes)
      yield bytes
    }
    await feeding
  } catch (error) {
    if (error instanceof HeadwaterError) throw error
    const isPacking =
      error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
    if (isPacking) throw tapeError('it is packed, and the packing is damaged')
    failFile('written', 'the unpacked tape', error)
  } finally {
    gunzip.destroy()
    await source.return(undefined)
  }
}

async function feed(source: AsyncGenerator<Buffer>, gunzip: ReturnType<typeof createGunzip>) {
  try {
    for await (const chunk of source) {
      if (gunzip.destroyed) return
      if (gunzip.write(chunk)) continue
      await new Promise<void>((resolve) => {
        const done = () => {
          gunzip.off('drain', done).off('close', done)
          resolve()
        }
        gunzip.on('drain', done).on('close', done)
      })
    }
    gunzip.end()
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

async function noRemoval(): Promise<void> {
  // A file of somebody else's.
}
