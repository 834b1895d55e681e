/**
 * hls.js's playlist parser and its merging of delta updates. The latter is not exported: the module is
 * read, given one more export line and imported from a copy.
 */

import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { LevelDetails } from 'hls.js'

export interface HlsJsParser {
  readonly parse: (text: string) => LevelDetails
  /** As the player does with what it reloads: `next` is completed by what `previous` knows. */
  readonly merge: (previous: LevelDetails, next: LevelDetails) => void
}

interface Internals {
  readonly M3U8Parser: {
    parseLevelPlaylist(
      text: string,
      baseUrl: string,
      id: number,
      type: string,
      levelUrlId: number,
      variables: null,
    ): LevelDetails
  }
  mergeDetails(previous: LevelDetails, next: LevelDetails, logger: unknown): void
}

export async function openHlsJsParser(t: Test): Promise<HlsJsParser> {
  const source = fileURLToPath(import.meta.resolve('hls.js/dist/hls.mjs'))
  const text = await readFile(source, 'utf8')
  const directory = t.testdir({
    'hls.mjs': `const self = globalThis\n${text}\nexport { mergeDetails }\n`,
  })
  // The names are hls.js's own; the tests fail loudly when they change.
  const internals = (await import(pathToFileURL(join(directory, 'hls.mjs')).href)) as Internals
  const logger = { log: () => undefined, warn: () => undefined }
  return {
    parse: (playlist) =>
      internals.M3U8Parser.parseLevelPlaylist(
        playlist,
        'http://origin.test/cache/live/live.m3u8',
        0,
        'main',
        0,
        null,
      ),
    merge: (previous, next) => internals.mergeDetails(previous, next, logger),
  }
}
