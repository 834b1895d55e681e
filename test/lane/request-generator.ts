/** Requests made by chance from a seed: mostly valid, some bent, some cut and glued. */

const METHODS = [
  'GET',
  'GET',
  'GET',
  'GET',
  'HEAD',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'POST',
  'GE',
  'get',
]
const TARGETS = [
  '/cache/live-origin/p.m3u8',
  '/cache/live-origin/small.ts',
  '/cache/live-origin/s0.ts',
  '/cache/live-origin/none.ts',
  '/cache/live-origin?key=small.ts',
  '/cache/live-origin',
  '/cache/nowhere/a',
  '/cache/',
  '/cache/live-origin/%zz',
  '/cache/live-origin//x/../y',
  '/health/live',
  '/',
  'http://origin/cache/live-origin/small.ts',
  '*',
]
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2',
  '',
]
const FIELDS = [
  'Accept: */*',
  'User-Agent: player',
  'Accept-Encoding: gzip, deflate',
  'accept-encoding: identity;q=1, gzip;q=0',
  'Range: bytes=0-',
  'Range: bytes=2-5',
  'Range: bytes=-3',
  'Range: bytes=9-2',
  'If-None-Match: *',
  'If-None-Match: "x"',
  'If-Match: "x"',
  'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT',
  'If-Range: "x"',
  'Origin: https://page.example',
  'X-Forwarded-For: 10.0.0.1, 10.0.0.2',
  'X-Amz-Cf-Id: a',
  'Connection: keep-alive',
  'Connection: close',
  'Content-Length: 0',
  'Content-Length: 4',
  'Transfer-Encoding: chunked',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Host: again',
  'CMCD-Request: bl=100',
  'X-Odd : a',
  'X-Fold: a\r\n b',
  'X_Under: a',
  'X-High: \xe9',
  'X-Control: \x01',
]
const BODIES = ['', '', 'body', '0\r\n\r\n', '4\r\nbody\r\n0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n']
const ODD_BYTES = [0x00, 0x09, 0x0a, 0x0d, 0x20, 0x3a, 0x7f, 0x80, 0xff]

export interface GeneratedRequests {
  readonly bytes: Buffer
  /** Reads that players and CDNs send: both lanes must give the same bytes. */
  readonly isOrdinary: boolean
}

export class RequestGenerator {
  readonly #apiKey: string
  #state: number

  constructor(seed: number, apiKey: string) {
    this.#state = seed >>> 0
    this.#apiKey = apiKey
  }

  /** One to four requests on a connection. */
  next(): GeneratedRequests {
    const isOrdinary = this.#chance(0.4)
    const count = 1 + this.#below(4)
    const requests = Array.from({ length: count }, () => this.#request(isOrdinary))
    const bytes = Buffer.from(requests.join(''), 'latin1')
    return { bytes: isOrdinary ? bytes : this.#bend(bytes), isOrdinary }
  }

  #request(isOrdinary: boolean): string {
    const token = this.#chance(0.15) ? `?token=${this.#apiKey}` : ''
    const isPlain = isOrdinary || this.#chance(0.4)
    const method = isPlain ? 'GET' : this.#pick(METHODS)
    const target = isPlain ? this.#pick(TARGETS.slice(0, 5)) : this.#pick(TARGETS)
    const version = isPlain ? 'HTTP/1.1' : this.#pick(VERSIONS)
    const fields = isOrdinary || this.#chance(0.97) ? ['Host: origin'] : []
    if (this.#chance(0.8)) fields.push(`Authorization: ${this.#apiKey}`)
    const extra = isPlain ? FIELDS.slice(0, 16) : FIELDS
    for (let left = this.#below(5); left > 0; left--) fields.push(this.#pick(extra))
    const body = isPlain ? '' : this.#pick(BODIES)
    return `${method} ${target}${token} ${version}\r\n${fields.join('\r\n')}\r\n\r\n${body}`
  }

  /** One byte changed, taken out or put in; cut off; or as it is, mostly. */
  #bend(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length)
    const odd = this.#chance(0.5) ? this.#pick(ODD_BYTES) : this.#below(256)
    switch (this.#below(12)) {
      case 0:
        return Buffer.concat([bytes.subarray(0, at), Buffer.of(odd), bytes.subarray(at + 1)])
      case 1:
        return Buffer.concat([bytes.subarray(0, at), Buffer.of(odd), bytes.subarray(at)])
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
      case 3:
        return bytes.subarray(0, at)
      default:
        return bytes
    }
  }

  #pick<Value>(values: readonly Value[]): Value {
    // `below` stays within the list, and no list here is empty.
    return values[this.#below(values.length)] as Value
  }

  #chance(share: number): boolean {
    return this.#below(1000) < share * 1000
  }

  /** A linear congruential step (Numerical Recipes); its upper bits. */
  #below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 0x1_0000_0000) * bound)
  }
}
