/**
 * Requests by which servers have been made to disagree about where one ends and the next begins: the
 * families that are known as CL.TE, TE.CL, TE.TE and CL.0, and the spellings around them (RFC 9112
 * §11.2).
 */

export interface CorpusEntry {
  readonly name: string
  readonly bytes: Buffer
}

const HIDDEN = 'GET /cache/live-origin/small.ts HTTP/1.1\r\nHost: hidden\r\n\r\n'

/** @param apiKey  Of a reader: what is answered with 200 tells more than a 401. */
export function smugglingCorpus(apiKey: string): readonly CorpusEntry[] {
  const auth = `Authorization: ${apiKey}\r\n`
  const head = (fields: string, line = 'GET /cache/live-origin/small.ts HTTP/1.1') =>
    `${line}\r\nHost: origin\r\n${auth}${fields}\r\n`
  const entries: [string, string][] = [
    ['CL.TE', `${head('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\nG${HIDDEN}`],
    [
      'TE.CL',
      `${head('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n')}5c\r\n${HIDDEN}0\r\n\r\n`,
    ],
    ['CL.0', `${head(`Content-Length: ${String(HIDDEN.length)}\r\n`)}${HIDDEN}`],
    ['two lengths, alike', `${head('Content-Length: 3\r\nContent-Length: 3\r\n')}abc`],
    ['two lengths', `${head('Content-Length: 3\r\nContent-Length: 0\r\n')}abc`],
    ['a list of lengths', `${head('Content-Length: 3, 3\r\n')}abc`],
    ['two hosts', head('Host: other\r\n')],
    ['no host', `GET /cache/live-origin/small.ts HTTP/1.1\r\n${auth}\r\n`],
    ['empty host', `GET /cache/live-origin/small.ts HTTP/1.1\r\nHost:\r\n${auth}\r\n`],
    ['absolute form', head('', 'GET http://origin/cache/live-origin/small.ts HTTP/1.1')],
    ['authority form', head('', 'GET origin:80 HTTP/1.1')],
    ['asterisk form', head('', 'GET * HTTP/1.1')],
    ['HTTP/1.0', head('', 'GET /cache/live-origin/small.ts HTTP/1.0')],
    ['HTTP/1.2', head('', 'GET /cache/live-origin/small.ts HTTP/1.2')],
    ['HTTP/2.0', head('', 'GET /cache/live-origin/small.ts HTTP/2.0')],
    ['no version', 'GET /cache/live-origin/small.ts\r\n\r\n'],
    ['two spaces', head('', 'GET  /cache/live-origin/small.ts HTTP/1.1')],
    ['a tab', head('', 'GET\t/cache/live-origin/small.ts HTTP/1.1')],
    ['a space in the target', head('', 'GET /cache/live-origin/small ts HTTP/1.1')],
    ['a fragment', head('', 'GET /cache/live-origin/small.ts#x HTTP/1.1')],
    ['bytes over 127 in the target', head('', 'GET /cache/live-origin/sm\xe4ll.ts HTTP/1.1')],
    ['NUL in the target', head('', 'GET /cache/live-origin/small\0.ts HTTP/1.1')],
    ['lower-case method', head('', 'get /cache/live-origin/small.ts HTTP/1.1')],
    ['unknown method', head('', 'FOO /cache/live-origin/small.ts HTTP/1.1')],
    ['leading CRLF', `\r\n\r\n${head('')}`],
    ['leading space', ` ${head('')}`],
    ['bare LF', head('').replaceAll('\r\n', '\n')],
    ['bare LF at the end', `${head('').slice(0, -4)}\n\n${HIDDEN}`],
    ['bare CR', head('X-A: a\rb\r\n')],
    ['CR CR LF', head('X-A: a\r\r\n')],
    ['LF CR', head('X-A: a\n\r')],
    ['space before the colon', head('X-A : a\r\n')],
    ['tab before the colon', head('X-A\t: a\r\n')],
    ['no colon', head('X-A\r\n')],
    ['empty name', head(': a\r\n')],
    ['empty value', head('X-A:\r\n')],
    ['folded', head('X-A: a\r\n b\r\n')],
    ['folded length', `${head('Content-Length:\r\n 3\r\n')}abc`],
    [
      'space before the first field',
      `GET /cache/live-origin/small.ts HTTP/1.1\r\n Host: a\r\n${auth}\r\n`,
    ],
    ['NUL in a value', head('X-A: a\0b\r\n')],
    ['a control byte in a value', head('X-A: a\x01b\r\n')],
    ['DEL in a value', head('X-A: a\x7fb\r\n')],
    ['bytes over 127 in a value', head('X-A: \xe4\r\n')],
    ['a tab in a value', head('X-A: a\tb\r\n')],
    ['blanks around a value', head('X-A: \t a \t \r\n')],
    ['a quote in a name', head('X"A: a\r\n')],
    ['an underscore in a name', head('X_A: a\r\n')],
    ['a prototype’s name', head('__proto__: a\r\nconstructor: b\r\ntoString: c\r\n')],
    ['a field twice', head('X-A: a\r\nX-A: b\r\n')],
    ['conditions twice', head('If-None-Match: "a"\r\nIf-None-Match: *\r\n')],
    ['ranges twice', head('Range: bytes=0-1\r\nRange: bytes=2-3\r\n')],
    ['keys twice', head('Authorization: other\r\n')],
    [
      '101 fields',
      head(Array.from({ length: 101 }, (_, index) => `X-${String(index)}: a\r\n`).join('')),
    ],
    ['2,100 fields', head('X: a\r\n'.repeat(2100))],
    ['a long field', head(`X-A: ${'a'.repeat(20_000)}\r\n`)],
    ['too long a head', head(`X-A: ${'a'.repeat(40_000)}\r\n`)],
    ['too long a target', head('', `GET /cache/live-origin/${'a'.repeat(9000)} HTTP/1.1`)],
    ['upgrade', head('Upgrade: websocket\r\nConnection: upgrade\r\n')],
    [
      'h2c',
      head(
        'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n',
      ),
    ],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['expect', head('Expect: 100-continue\r\n')],
    ['expect something', head('Expect: tea\r\n')],
    ['TE', head('TE: trailers\r\n')],
    ['trailer', head('Trailer: X-A\r\n')],
    ['Connection names a field', head('Connection: Authorization\r\n')],
    ['Connection: close, keep-alive', head('Connection: close, keep-alive\r\n')],
    ['Connection twice', head('Connection: keep-alive\r\nConnection: close\r\n')],
    ['Connection in capitals', head('Connection: KEEP-ALIVE\r\n')],
    ['Connection with blanks', head('Connection:  keep-alive \r\n')],
    ['Proxy-Connection', head('Proxy-Connection: keep-alive\r\n')],
    ['Keep-Alive', head('Keep-Alive: timeout=1\r\n')],
    ['a body without framing', `${head('')}body`],
    ['trailing garbage', `${head('')}\0\0\0\0`],
    ['trailing CRLF', `${head('')}\r\n`],
    ['length of zero', head('Content-Length: 0\r\n')],
    ['nothing', ''],
    ['only CRLF', '\r\n'],
  ]
  for (const spelling of TRANSFER_ENCODINGS) {
    const fields = `${spelling}\r\n`
    entries.push([`GET, ${JSON.stringify(spelling)}`, `${head(fields)}0\r\n\r\n${HIDDEN}`])
  }
  for (const length of LENGTHS) {
    entries.push([
      `GET, Content-Length ${JSON.stringify(length)}`,
      `${head(`Content-Length: ${length}\r\n`)}abc${HIDDEN}`,
    ])
  }
  return entries.map(([name, text]) => ({ name, bytes: Buffer.from(text, 'latin1') }))
}

const TRANSFER_ENCODINGS = [
  'Transfer-Encoding: chunked',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: \x0bchunked',
  'X: x\nTransfer-Encoding: chunked',
  ' Transfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding\0: chunked',
  'Transfer-Encoding: chunk',
  'Transfer-Encoding: ',
]

const LENGTHS = [
  '3',
  ' 3',
  '3 ',
  '+3',
  '-3',
  '0x3',
  '3.0',
  '3a',
  '03',
  '',
  '9'.repeat(30),
  '3;x',
  '٣',
]
