/**
 * The recorded encoders of `test/fixtures/encoders` as data: what each sent, when, on which
 * connection. `scripts/make-fixtures.mjs` writes them, `replay.ts` plays them.
 */

import { createCipheriv, createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'

export interface FixtureBody {
  readonly framing: 'chunked' | 'content-length' | 'none'
  /** Announced, for `content-length`; sent, for `chunked`. Absent for `none`. */
  readonly sizeBytes?: number
  readonly chunkCount?: number
  /** When the first and the last bytes went out, where they did not go out together. */
  readonly firstAtMs?: number
  readonly lastAtMs?: number
  readonly endAtMs?: number
  /** The upload broke off after so many bytes. */
  readonly sentBytes?: number
  /** A playlist's text with placeholders; other bodies are made by {@link fixtureBytes}. */
  readonly text?: string
}

export interface FixtureRequest {
  readonly connection: number
  readonly atMs: number
  readonly method: string
  readonly target: string
  /** Index into {@link EncoderFixture.headerSets}. */
  readonly headers: number
  readonly body: FixtureBody
}

export interface FixtureConnection {
  readonly id: number
  readonly openAtMs: number
  /** When the client closed its side; absent when the record ends before. */
  readonly finAtMs?: number
}

/**
 * Placeholders: `{{host}}`, `{{size}}`, `{{token}}`, `{{authorization}}`, `{{basic}}`, `{{digest}}`,
 * and `{{tokenCut}}`: the credential up to its last dot, which ffmpeg takes for a file extension.
 */
export interface EncoderFixture {
  readonly name: string
  readonly client: string
  readonly about: string
  readonly headerSets: readonly (readonly string[])[]
  readonly connections: readonly FixtureConnection[]
  readonly requests: readonly FixtureRequest[]
}

const folder = new URL('../fixtures/encoders/', import.meta.url)

/** File names without `.json`, sorted. */
export function encoderFixtureNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5))
    .sort()
}

export function readEncoderFixture(name: string): EncoderFixture {
  const json: unknown = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  // Written by our own script in this shape.
  return json as EncoderFixture
}

/** A real TS segment: one second of H.264 and AAC. */
export function readTsSegment(): Buffer {
  return readFileSync(new URL('../fixtures/media/segment.seg', import.meta.url))
}

/** Bytes that depend on name and size only; those of a TS segment begin with its sync byte. */
export function fixtureBytes(name: string, sizeBytes: number): Buffer {
  const key = createHash('sha256')
    .update(`${name} ${String(sizeBytes)}`)
    .digest()
    .subarray(0, 16)
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const bytes = stream.update(Buffer.alloc(sizeBytes))
  if (sizeBytes > 0 && name.endsWith('.ts')) bytes[0] = 0x47
  return bytes
}
