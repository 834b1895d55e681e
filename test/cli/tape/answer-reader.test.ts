import t from 'tap'
import { AnswerReader } from '../../../src/cli/tape/answer-reader.ts'

const MANY =
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n' +
  'HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nHTTP/' +
  'HTTP/1.1 201\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n' +
  'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n'

t.test('answers are told apart, in pieces of any size', (t) => {
  const expected = [
    { status: 100, isLast: false },
    { status: 204, isLast: false },
    { status: 400, isLast: false },
    { status: 201, isLast: false },
    { status: 200, isLast: true },
  ]
  for (const size of [1, 2, 3, 10, 1000]) {
    const reader = new AnswerReader()
    const answers = []
    for (let at = 0; at < MANY.length; at += size) {
      answers.push(...reader.add(Buffer.from(MANY.slice(at, at + size), 'latin1')))
    }
    t.same(answers, expected, String(size))
    t.equal(reader.end(), undefined)
  }
  t.end()
})

t.test('an answer without a length ends with its connection', (t) => {
  const reader = new AnswerReader()
  t.same(reader.add(Buffer.from('HTTP/1.0 200 OK\r\n\r\nsome')), [])
  t.same(reader.add(Buffer.from('thing')), [])
  t.same(reader.end(), { status: 200, isLast: true })
  t.end()
})

t.test('what is no HTTP, or has no end, is an error', (t) => {
  for (const bytes of [
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1'.repeat(70_000)}`,
  ]) {
    t.throws(() => new AnswerReader().add(Buffer.from(bytes)), bytes.slice(0, 30))
  }
  t.end()
})
