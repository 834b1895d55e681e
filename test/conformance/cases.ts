/**
 * Momento's HTTP API, claim by claim, as requests that anybody may send to a cache of theirs. What each
 * claim rests on is said with it.
 */

import type { ConformanceCase, Target } from './conformance-case.ts'
import type { SeenAnswer, SentRequest } from './paced-client.ts'

const TTL = 'ttl_seconds=60'
const OVER_10_MB = 10 * 1024 * 1024 + 1
const OCTETS = /octet-stream/

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    id: 'put-query-token',
    claim:
      'PUT with `?key=`, `ttl_seconds` and `?token=` stores; form content type as curl -d sends it',
    evidence: 'documented',
    expected: '204 empty',
    run: async (target) =>
      brief(
        await target.send(`${query(target, 'a')}&${TTL}&token=${target.apiKey}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'example value',
        }),
      ),
  },
  {
    id: 'put-key-base64',
    claim: 'PUT by unpadded `key_base64` and the raw key in `Authorization`; GET by `key`',
    evidence: 'documented',
    expected: '204 empty, 200 "example value"',
    run: async (target) => {
      const encoded = Buffer.from(target.keyOf('b')).toString('base64url')
      const put = await write(target, `${cachePath(target)}?key_base64=${encoded}&${TTL}`)
      const got = await read(target, query(target, 'b'))
      return `${brief(put)}, ${String(got.status)} "${got.text.slice(0, 20)}"`
    },
  },
  {
    id: 'get-by-token',
    claim: 'GET by `?token=` returns the bytes as they were',
    evidence: 'documented',
    expected: '204 empty, 200 same bytes',
    run: async (target) => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
      const put = await write(target, `${query(target, 'c')}&${TTL}`, { body: bytes })
      const got = await target.send(`${query(target, 'c')}&token=${target.apiKey}`)
      const same = got.body.equals(bytes) ? 'same bytes' : 'other bytes'
      return `${brief(put)}, ${String(got.status)} ${same}`
    },
  },
  {
    id: 'get-content-type',
    claim: 'GET answers octet-stream, whatever was sent',
    evidence: 'documented',
    expected: 'octet-stream',
    amendment: 'the type of the key’s extension: players and CDNs need it',
    run: async (target) => {
      await write(target, `${path(target, 'd.ts')}?${TTL}`, { type: 'application/json' })
      const got = await read(target, path(target, 'd.ts'))
      const type = got.headers['content-type'] ?? 'none'
      return OCTETS.test(type) ? 'octet-stream' : type
    },
  },
  {
    id: 'delete',
    claim: 'DELETE answers 204, and GET after it 404',
    evidence: 'documented',
    expected: '204 empty, 404',
    run: async (target) => {
      await write(target, `${query(target, 'e')}&${TTL}`)
      const gone = await remove(target, query(target, 'e'))
      return `${brief(gone)}, ${String((await read(target, query(target, 'e'))).status)}`
    },
  },
  {
    id: 'delete-missing',
    claim: 'DELETE of a key that is not there answers 204',
    evidence: 'tested',
    expected: '204 empty',
    run: async (target) => brief(await remove(target, query(target, 'nothing'))),
  },
  {
    id: 'get-missing',
    claim: 'GET of a key that is not there: 404, JSON, the words "Key Not Found"',
    evidence: 'documented',
    expected: '404 JSON "Key Not Found"',
    run: async (target) => words(await read(target, query(target, 'nothing')), 'Key Not Found'),
  },
  {
    id: 'no-such-cache',
    claim: 'GET in a cache that does not exist, with a key for all caches: 404 "Cache Not Found"',
    evidence: 'tested',
    expected: '404 JSON "Cache Not Found"',
    run: async (target) => {
      const nowhere = `/cache/${target.keyOf('cache').replace(/[^a-z0-9-]/g, '-')}?key=a`
      return words(await read(target, nowhere), 'Cache Not Found')
    },
  },
  {
    id: 'empty-parameters',
    claim:
      'an empty parameter and unknown ones are ignored: `&&ttl_seconds=60&value=x&role=origin`',
    evidence: 'tested',
    expected: '204 empty',
    run: async (target) =>
      brief(await write(target, `${query(target, 'f')}&&${TTL}&value=x&role=origin`)),
  },
  {
    id: 'path-key',
    claim: 'keys in the path, as encoders write them, with `?token=`',
    evidence: 'documented',
    expected: '204 empty, 200',
    run: async (target) => {
      const url = `${path(target, 'playlist_480p30_00001.ts')}?${TTL}&role=origin`
      const token = `&token=${target.apiKey}`
      const put = await target.send(`${url}${token}`, { method: 'PUT', body: 'example value' })
      return `${brief(put)}, ${String((await target.send(`${url}${token}`)).status)}`
    },
  },
  {
    id: 'path-and-query-key',
    claim: 'a key in the path and the same in `?key=` are one',
    evidence: 'silent',
    run: async (target) => {
      await write(target, `${path(target, 'g')}?${TTL}`)
      return String((await read(target, query(target, 'g'))).status)
    },
  },
  {
    id: 'basic',
    claim: 'HTTP Basic: any user, the key as password (MediaLive)',
    evidence: 'documented',
    expected: '204 empty',
    run: async (target) => {
      const basic = Buffer.from(`momento:${target.apiKey}`).toString('base64')
      return brief(
        await target.send(`${path(target, 'h')}?${TTL}`, {
          method: 'PUT',
          headers: { authorization: `Basic ${basic}` },
          body: 'example value',
        }),
      )
    },
  },
  {
    id: 'both-credentials',
    claim: 'key in the header and in `?token=` at once: 400, "only one value must be set"',
    evidence: 'documented',
    expected: '400 JSON "only one value must be set"',
    amendment: 'either that grants is enough: CDNs add a key to requests that have one',
    run: async (target) =>
      words(
        await read(target, `${query(target, 'a')}&token=${target.apiKey}`),
        'only one value must be set',
      ),
  },
  {
    id: 'no-credential',
    claim: 'no credential: 401',
    evidence: 'documented',
    expected: '401',
    run: async (target) => String((await target.send(query(target, 'a'))).status),
  },
  {
    id: 'foreign-credential',
    claim: 'a credential that is none: 401',
    evidence: 'documented',
    expected: '401',
    run: async (target) => {
      const headers = { authorization: 'not-a-key' }
      return String((await target.send(query(target, 'a'), { headers })).status)
    },
  },
  {
    id: 'readonly-write',
    claim: 'PUT with a key that can only read: 403',
    evidence: 'documented',
    expected: '403',
    needsReadonlyKey: true,
    run: async (target) => {
      const headers = { authorization: target.readonlyKey ?? '' }
      const url = `${query(target, 'i')}&${TTL}`
      return String((await target.send(url, { method: 'PUT', headers, body: 'x' })).status)
    },
  },
  {
    id: 'readonly-read',
    claim: 'GET with a key that can only read',
    evidence: 'documented',
    expected: '200',
    needsReadonlyKey: true,
    run: async (target) => {
      await write(target, `${query(target, 'j')}&${TTL}`)
      const headers = { authorization: target.readonlyKey ?? '' }
      return String((await target.send(query(target, 'j'), { headers })).status)
    },
  },
  {
    id: 'ttl-missing',
    claim: 'PUT by `?key=` without `ttl_seconds` is refused: the parameter is required',
    evidence: 'documented',
    expected: 'refused',
    run: async (target) => {
      const { status } = await write(target, query(target, 'k'))
      return status >= 400 && status < 500 ? 'refused' : String(status)
    },
  },
  {
    id: 'ttl-missing-path',
    claim: 'PUT by path without `ttl_seconds`',
    evidence: 'silent',
    run: async (target) => String((await write(target, path(target, 'l'))).status),
  },
  {
    id: 'ttl-zero',
    claim: '`ttl_seconds=0`',
    evidence: 'silent',
    run: async (target) =>
      String((await write(target, `${query(target, 'm')}&ttl_seconds=0`)).status),
  },
  {
    id: 'ttl-text',
    claim: '`ttl_seconds=soon`',
    evidence: 'silent',
    run: async (target) =>
      String((await write(target, `${query(target, 'n')}&ttl_seconds=soon`)).status),
  },
  {
    id: 'ttl-passes',
    claim: 'when the TTL has passed the key is not there',
    evidence: 'documented',
    expected: '200, then 404',
    run: async (target) => {
      await write(target, `${query(target, 'o')}&ttl_seconds=2`)
      const before = await read(target, query(target, 'o'))
      await target.sleep(3500)
      const after = await read(target, query(target, 'o'))
      return `${String(before.status)}, then ${String(after.status)}`
    },
  },
  {
    id: 'overwrite',
    claim: 'PUT over a key replaces it',
    evidence: 'documented',
    expected: '200 "second"',
    run: async (target) => {
      await write(target, `${query(target, 'p')}&${TTL}`)
      await write(target, `${query(target, 'p')}&${TTL}`, { body: 'second' })
      const got = await read(target, query(target, 'p'))
      return `${String(got.status)} "${got.text.slice(0, 20)}"`
    },
  },
  {
    id: 'no-key',
    claim: 'neither `key` nor `key_base64`: 400',
    evidence: 'documented',
    expected: '400',
    run: async (target) => String((await read(target, cachePath(target))).status),
  },
  {
    id: 'two-keys',
    claim: '`key` and `key_base64` at once',
    evidence: 'silent',
    run: async (target) => {
      const encoded = Buffer.from(target.keyOf('a')).toString('base64url')
      return String((await read(target, `${query(target, 'a')}&key_base64=${encoded}`)).status)
    },
  },
  {
    id: 'chunked',
    claim: 'an upload without Content-Length is accepted',
    evidence: 'observed',
    expected: '204 empty',
    run: async (target) =>
      brief(await write(target, `${query(target, 'q')}&${TTL}`, { chunked: true })),
  },
  {
    id: 'oversize',
    claim: 'an object over 10 MB: 429',
    evidence: 'observed',
    expected: '429',
    amendment: '413: an encoder would take 429 for a reason to try again',
    run: async (target) =>
      String(
        (await write(target, `${query(target, 'r')}&${TTL}`, { body: Buffer.alloc(OVER_10_MB) }))
          .status,
      ),
  },
  {
    id: 'post',
    claim: 'POST instead of PUT',
    evidence: 'silent',
    run: async (target) =>
      String((await write(target, `${query(target, 's')}&${TTL}`, { method: 'POST' })).status),
  },
  {
    id: 'head',
    claim: 'HEAD of a key that is there',
    evidence: 'silent',
    run: async (target) => {
      await write(target, `${query(target, 't')}&${TTL}`)
      const got = await read(target, query(target, 't'), { method: 'HEAD' })
      return `${String(got.status)}, Content-Length ${got.headers['content-length'] ?? 'none'}`
    },
  },
  {
    id: 'range',
    claim: '`Range: bytes=0-3`',
    evidence: 'silent',
    run: async (target) => {
      const got = await read(target, query(target, 't'), { headers: { range: 'bytes=0-3' } })
      return `${String(got.status)}, ${String(got.body.length)} bytes`
    },
  },
  {
    id: 'validators',
    claim: 'ETag, Last-Modified and Cache-Control on a GET',
    evidence: 'silent',
    run: async (target) => {
      const { headers } = await read(target, query(target, 't'))
      const names = ['etag', 'last-modified', 'cache-control']
      return names.filter((name) => headers[name] !== undefined).join(', ') || 'none'
    },
  },
  {
    id: 'cors-read',
    claim: 'GET with an Origin: a page of any origin may read',
    evidence: 'observed',
    expected: 'allowed',
    run: async (target) => {
      const origin = 'https://player.example'
      const got = await read(target, query(target, 't'), { headers: { origin } })
      const allowed = got.headers['access-control-allow-origin']
      return allowed === '*' || allowed === origin ? 'allowed' : (allowed ?? 'no header')
    },
  },
  {
    id: 'cors-preflight',
    claim: 'the preflight of a page’s PUT with Authorization and Content-Type is answered',
    evidence: 'observed',
    expected: 'allowed',
    run: async (target) => {
      const answer = await target.send(path(target, 'location'), {
        method: 'OPTIONS',
        headers: {
          origin: 'https://player.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'authorization,content-type',
        },
      })
      const methods = String(answer.headers['access-control-allow-methods'])
      const fine = answer.status < 300 && /PUT|\*/.test(methods)
      return fine ? 'allowed' : `${String(answer.status)}, methods ${methods}`
    },
  },
  {
    id: 'slash-in-key',
    claim: 'which of `x//s`, `x/%2Fs` and `x/s` is the key that was put as `x/%2Fs`',
    evidence: 'silent',
    run: async (target) => {
      const base = path(target, 'x/')
      await write(target, `${base}%2Fs?${TTL}`)
      const seen: string[] = []
      for (const form of ['/s', '%2Fs', 's']) {
        const { status } = await read(target, `${base}${form}`)
        seen.push(`x/${form}: ${String(status)}`)
      }
      await remove(target, `${base}%2Fs`)
      return seen.join(', ')
    },
  },
]

function cachePath(target: Target): string {
  return `/cache/${target.cacheName}`
}

function query(target: Target, name: string): string {
  return `${cachePath(target)}?key=${encodeURIComponent(target.keyOf(name))}`
}

function path(target: Target, name: string): string {
  return `${cachePath(target)}/${target.keyOf(name)}`
}

interface Write extends SentRequest {
  readonly type?: string
}

function write(target: Target, url: string, options: Write = {}): Promise<SeenAnswer> {
  const { type, headers, ...rest } = options
  return target.send(url, {
    method: 'PUT',
    body: 'example value',
    ...rest,
    headers: {
      authorization: target.apiKey,
      ...(type === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
  })
}

function read(target: Target, url: string, options: SentRequest = {}): Promise<SeenAnswer> {
  return target.send(url, {
    ...options,
    headers: { authorization: target.apiKey, ...options.headers },
  })
}

function remove(target: Target, url: string): Promise<SeenAnswer> {
  return read(target, url, { method: 'DELETE' })
}

function brief(answer: SeenAnswer): string {
  return `${String(answer.status)} ${answer.body.length === 0 ? 'empty' : 'with a body'}`
}

/** Status, whether the body is JSON, and whether the words are in it. */
function words(answer: SeenAnswer, expected: string): string {
  const isJson = /^\s*\{/.test(answer.text) ? 'JSON' : 'text'
  const said = answer.text.toLowerCase().includes(expected.toLowerCase()) ? expected : 'other words'
  return `${String(answer.status)} ${isJson} "${said}"`
}
