import t from 'tap'
import { compileKeyGlob, KEY_GLOB_BYTES_MAX } from '../../src/base/key-glob.ts'
import { itemKeyFromText } from '../../src/base/names.ts'

function matches(pattern: string, text: string): boolean {
  const glob = compileKeyGlob(pattern)
  const key = itemKeyFromText(text)
  if (glob === undefined || key === undefined) throw new TypeError('not a pattern or not a key')
  return glob.matches(key)
}

const TABLE: readonly (readonly [pattern: string, key: string, expected: boolean])[] = [
  ['a.ts', 'a.ts', true],
  ['a.ts', 'A.ts', false],
  ['a.ts', 'a.tss', false],
  ['a.ts', 'ba.ts', false],
  // Without a slash: the last part.
  ['*.m3u8', 'a.m3u8', true],
  ['*.m3u8', 'live/1080p/a.m3u8', true],
  ['*.m3u8', 'live.m3u8/a.ts', false],
  ['*', 'live/a.ts', true],
  ['a?.ts', 'x/a1.ts', true],
  ['a?.ts', 'a.ts', false],
  // With one: the whole key.
  ['live/*.ts', 'live/a.ts', true],
  ['live/*.ts', 'live/hd/a.ts', false],
  ['live/*.ts', 'x/live/a.ts', false],
  ['live/**', 'live/hd/a.ts', true],
  ['live/**', 'live', false],
  ['**', 'live/hd/a.ts', true],
  ['**/seg*.ts', 'seg1.ts', true],
  ['**/seg*.ts', 'a/b/seg1.ts', true],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['a/**/b', 'a/xb', false],
  ['a**b/c', 'axx/yyb/c', true],
  ['a***b/c', 'axb/c', true],
  ['*a*b*c', 'xxaxxbxxc', true],
  ['*a*b*c', 'xxaxxcxxb', false],
  ['ch?/*', 'ch1/a', true],
  ['ch?/*', 'ch//a', false],
  ['/*', '/a', true],
  ['a/', 'a/', true],
  // Nothing else is special.
  ['[ab].ts', '[ab].ts', true],
  ['[ab].ts', 'a.ts', false],
  ['a+(b)|c$', 'a+(b)|c$', true],
  ['a\\*', 'a\\xyz', true],
  // UTF-8 bytes, and one ? is one of them.
  ['übung*', 'übung1', true],
  ['?.ts', 'ü.ts', false],
  ['??.ts', 'ü.ts', true],
]

for (const [pattern, key, expected] of TABLE) {
  t.equal(matches(pattern, key), expected, `${pattern} ${expected ? 'matches' : 'leaves'} ${key}`)
}

t.test('agrees with a plain reading of the rules over many small patterns and keys', async (t) => {
  const letters = ['a', '/', '*', '**', '?']
  let count = 0
  const patterns = ['']
  for (let length = 0; length < 4; length++) {
    patterns.push(...patterns.flatMap((start) => letters.map((letter) => start + letter)))
  }
  const keys = ['a', 'aa', '/', 'a/a', '/a', 'a/', 'a//a', 'a/a/a', 'aa/a', 'b', 'a/b/a']
  for (const pattern of new Set(patterns)) {
    if (pattern === '') continue
    for (const key of keys) {
      count++
      if (matches(pattern, key) !== reference(pattern, key)) t.fail(`${pattern} on ${key}`)
    }
  }
  t.ok(count > 3000)
})

t.test('is bounded at both ends', async (t) => {
  t.equal(compileKeyGlob(''), undefined)
  t.ok(compileKeyGlob('a'.repeat(KEY_GLOB_BYTES_MAX)))
  t.equal(compileKeyGlob('a'.repeat(KEY_GLOB_BYTES_MAX + 1)), undefined)
  t.equal(compileKeyGlob('ü'.repeat(KEY_GLOB_BYTES_MAX / 2 + 1)), undefined)
  // A backtracking matcher would not come back from this one.
  t.equal(matches(`${'*a'.repeat(100)}b`, 'a'.repeat(1024)), false)
})

/** The rules once more, by a search that may take its time. */
function reference(pattern: string, key: string): boolean {
  const isOfLastPart = !pattern.includes('/') && pattern !== '**'
  const text = isOfLastPart ? key.slice(key.lastIndexOf('/') + 1) : key
  return search(pattern, 0, text, 0)
}

function search(pattern: string, at: number, text: string, from: number): boolean {
  if (at === pattern.length) return from === text.length
  const isFirst = at === 0 || pattern[at - 1] === '/'
  if (isFirst && pattern.startsWith('**/', at)) {
    if (search(pattern, at + 3, text, from)) return true
    for (let end = from; end < text.length; end++) {
      if (text[end] === '/' && search(pattern, at + 3, text, end + 1)) return true
    }
    return false
  }
  if (pattern.startsWith('**', at)) {
    for (let end = from; end <= text.length; end++) {
      if (search(pattern, at + 2, text, end)) return true
    }
    return false
  }
  if (pattern[at] === '*') {
    for (let end = from; end <= text.length; end++) {
      if (search(pattern, at + 1, text, end)) return true
      if (text[end] === '/') return false
    }
    return false
  }
  if (from === text.length) return false
  if (pattern[at] === '?' ? text[from] === '/' : pattern[at] !== text[from]) return false
  return search(pattern, at + 1, text, from + 1)
}
