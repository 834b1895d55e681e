/**
 * Patterns over item keys, as people write them for files: `*.m3u8`, `live/**`, `ch?/seg*.ts`.
 * Globs and no regular expressions: matching takes time proportional to the key times the pattern,
 * whatever either says.
 */

import { byteStringFromText } from './names.ts'
import type { ItemKey } from './names.ts'

/** Longest pattern, UTF-8 bytes. */
export const KEY_GLOB_BYTES_MAX = 1024

type Token = number | 'one' | 'part' | 'any' | 'folders'

/** A pattern, ready to match. */
export interface KeyGlob {
  readonly pattern: string
  matches(key: ItemKey): boolean
}

/**
 * `*`: any run of bytes without a slash. `**`: any run with slashes, too; `**` between slashes also
 * none. `?`: one byte but a slash. All else, `[` and `\` included, is itself. A pattern without a
 * slash is for the last part of a key: `*.m3u8` matches `live/a.m3u8`.
 *
 * @returns `undefined` when it is empty or over {@link KEY_GLOB_BYTES_MAX}.
 */
export function compileKeyGlob(pattern: string): KeyGlob | undefined {
  const bytes = byteStringFromText(pattern)
  if (bytes.length === 0 || bytes.length > KEY_GLOB_BYTES_MAX) return undefined
  const tokens = tokensOf(bytes)
  const ofLastPart = !bytes.includes('/') && bytes !== '**'
  return {
    pattern,
    matches: (key) => run(tokens, key, ofLastPart ? key.lastIndexOf('/') + 1 : 0),
  }
}

function tokensOf(bytes: string): readonly Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < bytes.length;) {
    const isFirst = at === 0 || bytes[at - 1] === '/'
    if (isFirst && bytes.startsWith('**/', at)) {
      tokens.push('folders')
      at += 3
    } else if (bytes.startsWith('**', at)) {
      if (tokens.at(-1) !== 'any') tokens.push('any')
      at += 2
    } else {
      if (bytes[at] !== '*') tokens.push(bytes[at] === '?' ? 'one' : bytes.charCodeAt(at))
      else if (tokens.at(-1) !== 'any') tokens.push('part')
      at++
    }
  }
  return tokens
}

const SLASH = 0x2f

/** All the places in the pattern that the bytes so far may have led to, one step a byte. */
function run(tokens: readonly Token[], key: string, from: number): boolean {
  let places = new Set<number>()
  enter(tokens, places, 0)
  for (let index = from; index < key.length && places.size > 0; index++) {
    const code = key.charCodeAt(index)
    const next = new Set<number>()
    for (const place of places) {
      const token = tokens[place]
      if (token === undefined) continue
      if (token === 'any' || (token === 'part' && code !== SLASH)) enter(tokens, next, place)
      else if (token === 'folders') {
        next.add(place)
        if (code === SLASH) enter(tokens, next, place + 1)
      } else if (token === code || (token === 'one' && code !== SLASH)) {
        enter(tokens, next, place + 1)
      }
    }
    places = next
  }
  return places.has(tokens.length)
}

/** A place and those behind it that need no byte. */
function enter(tokens: readonly Token[], places: Set<number>, place: number): void {
  for (let at = place; ; at++) {
    places.add(at)
    const token = tokens[at]
    if (token !== 'any' && token !== 'part' && token !== 'folders') return
  }
}
