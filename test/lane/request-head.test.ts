import t from 'tap'
import { HeadReader } from '../../src/lane/request-head.ts'
import type { HeadResult } from '../../src/lane/request-head.ts'

const BOUNDS = { headerBytesMax: 400, urlBytesMax: 40 }

function read(text: string, reader = new HeadReader(BOUNDS)): HeadResult {
  return reader.read(Buffer.from(text, 'latin1'), 0)
}

function head(fields: string, target = '/cache/c/k'): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
}

t.test('a head as players write it', (t) => {
  const text = head('Accept: */*\r\nX-Blank:\r\nX-Tab: \ta b\t \r\n')
  t.same(read(text), {
    method: 'GET',
    url: '/cache/c/k',
    headers: { host: 'a', accept: '*/*', 'x-blank': '', 'x-tab': 'a b' },
    endOffset: text.length,
  })
  t.hasStrict(read(text.replace('GET', 'HEAD')), { method: 'HEAD' })
  t.hasStrict(read(`${text}more`), { endOffset: text.length })
  t.end()
})

t.test('every beginning of it is incomplete', (t) => {
  const text = head('Accept: */*\r\nAccept-Encoding: gzip\r\n')
  for (let length = 5; length < text.length; length++) {
    t.equal(read(text.slice(0, length)), 'incomplete', JSON.stringify(text.slice(0, length)))
  }
  t.end()
})

t.test('a beginning that cannot become one is the other lane’s at once', (t) => {
  for (const text of [
    'POST',
    'GET /other',
    'GET /cache/a HTTP/1.0',
    'GET /cache/a HTTP/1.1\n',
    head('').slice(0, -2) + ' folded',
    head('').slice(0, -2) + 'X A',
    head('').slice(0, -2) + 'X: \x01',
    head('').slice(0, -2) + 'Content-Length:',
    head('').slice(0, -2) + 'Host: again',
    head('').slice(0, -2) + '\r\r',
  ]) {
    t.equal(read(text), 'other', JSON.stringify(text))
  }
  t.end()
})

t.test('what is repeated is known again, and what is changed is not', (t) => {
  const reader = new HeadReader(BOUNDS)
  const first = read(head('Accept: a\r\n'), reader)
  const again = read(head('Accept: a\r\n', '/cache/c/other'), reader)
  const other = read(head('Accept: b\r\n'), reader)
  const isHead = (result: HeadResult) => (typeof result === 'string' ? undefined : result.headers)
  t.equal(isHead(again), isHead(first), 'the same object')
  t.hasStrict(again, { url: '/cache/c/other' })
  t.hasStrict(isHead(other), { accept: 'b' })
  t.same(isHead(read(head('Accept: a\r\nX: y\r\n'), reader)), { host: 'a', accept: 'a', x: 'y' })
  t.end()
})

t.test('bounds: at them, and over', (t) => {
  const target = (length: number) => `/cache/${'k'.repeat(length - 7)}`
  t.hasStrict(read(head('', target(40))), { url: target(40) })
  t.equal(read(head('', target(41))), 'other')
  const filled = (length: number) => {
    const bare = head('X: \r\n').length
    return head(`X: ${'x'.repeat(length - bare)}\r\n`)
  }
  t.hasStrict(read(filled(400)), { endOffset: 400 })
  t.equal(read(filled(401)), 'other')
  t.equal(read(filled(500).slice(0, 401)), 'other', 'also before its end has come')
  const many = (count: number) =>
    head(Array.from({ length: count - 1 }, (_, index) => `a${String(index)}:\r\n`).join(''))
  const wide = () => new HeadReader({ headerBytesMax: 4000, urlBytesMax: 40 })
  t.not(read(many(100), wide()), 'other')
  t.equal(read(many(101), wide()), 'other')
  t.end()
})
