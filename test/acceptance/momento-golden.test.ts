/**
 * The conformance list of Momento's own documents (rows 1-14 and 18 of the emulation notes): every
 * request as a reader of those pages sends it. Run under the default profile, whose amendments are
 * marked, and under `profile: momento`, exact.
 */

import t from 'tap'
import type { Test } from 'tap'
import { readEncoderFixture, readTsSegment } from '../support/encoder-fixture.ts'
import { http } from '../support/http.ts'
import type { HttpOptions } from '../support/http.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  MEDIA_PLAYLIST,
  allCaches,
  checkEmpty,
  checkError,
  keyWithPadding,
  mediaLiveObjects,
  putAll,
} from '../support/momento-requests.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../support/origin.ts'

for (const profile of ['default', 'momento'] as const) {
  t.test(`under profile ${profile}`, async (t) => {
    const isMomento = profile === 'momento'
    const open = async (t: Test) => {
      const clock = new ManualClock()
      const origin = await openOrigin(t, { profile }, { clock })
      const { dataPlaneUrl } = origin
      const send = (target: string, options: HttpOptions = {}) =>
        http(`${dataPlaneUrl}${target}`, options)
      return { origin, clock, send }
    }

    t.test('1: the PUT of the HTTP page, as curl -d sends it', async (t) => {
      const { origin, send } = await open(t)
      await origin.createCache('default-cache')
      const token = (await allCaches(origin)).apiKey
      const put = await send(
        `/cache/default-cache?key=example_key&ttl_seconds=300&token=${token}`,
        {
          method: 'PUT',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'example value',
        },
      )
      checkEmpty(t, put, 204)
    })

    t.test('2: the same by header, with an unpadded key_base64', async (t) => {
      const { origin, send } = await open(t)
      const headers = { authorization: origin.keys.encoder }
      const put = await send('/cache/live-origin?key_base64=ZXhhbXBsZV9rZXk&ttl_seconds=300', {
        method: 'PUT',
        headers,
        body: 'example value',
      })
      checkEmpty(t, put, 204)
      const read = await send('/cache/live-origin?key=example_key', { headers })
      t.equal(read.status, 200)
      t.equal(read.text, 'example value')
    })

    t.test('3: GET and DELETE of both key forms with both credential forms', async (t) => {
      const { origin, send } = await open(t)
      const key = origin.keys.encoder
      const headers = { authorization: key }
      for (const form of ['key=example_key', 'key_base64=ZXhhbXBsZV9rZXk']) {
        for (const byHeader of [true, false]) {
          const target = `/cache/live-origin?${form}${byHeader ? '' : `&token=${key}`}`
          const options = byHeader ? { headers } : {}
          await send('/cache/live-origin?key=example_key&ttl_seconds=300', {
            method: 'PUT',
            headers,
            body: 'example value',
          })
          const read = await send(target, options)
          t.equal(read.status, 200, target.slice(0, 40))
          t.equal(read.text, 'example value')
          checkEmpty(t, await send(target, { ...options, method: 'DELETE' }), 204)
          checkError(t, await send(target, options), 404, 'Key Not Found')
        }
      }
    })

    t.test('4: the requests of the JavaScript SDK test, with the inner JWT', async (t) => {
      const { origin, send } = await open(t)
      await origin.createCache('sdk-cache')
      const headers = {
        authorization: innerJwt((await allCaches(origin)).apiKey),
        'content-type': 'application/json',
      }
      const body = JSON.stringify({ value: 'text' })
      const nowhere = '/cache/no-such-cache?key=a%20key&ttl_seconds=300&value=text'
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const options = method === 'PUT' ? { method, headers, body } : { method, headers }
        const answer = await send(nowhere, options)
        checkError(t, answer, 404, 'Cache Not Found')
        t.equal(answer.reason, 'Not Found')
      }
      const there = '/cache/sdk-cache?key=a%20key&ttl_seconds=300&value=text'
      checkEmpty(t, await send(there, { method: 'PUT', headers, body }), 204)
      const read = await send(there, { headers })
      t.equal(read.status, 200)
      t.equal(read.text, body)
      const missing = await send('/cache/sdk-cache?key=another', { headers })
      checkError(t, missing, 404, 'Key Not Found')
      t.equal(missing.reason, 'Not Found')
      checkEmpty(t, await send(there, { method: 'DELETE', headers }), 204)
      checkEmpty(t, await send(there, { method: 'DELETE', headers }), 204)
    })

    t.test('5: the example workers: unescaped token, &&ttl_seconds, no content type', async (t) => {
      const { origin, send } = await open(t)
      const token = await keyWithPadding(origin)
      const target = `/cache/live-origin?key=worker&token=${token}`
      checkEmpty(t, await send(`${target}&&ttl_seconds=30`, { method: 'PUT', body: 'x' }), 204)
      t.equal((await send(target)).text, 'x')
      checkEmpty(t, await send(target, { method: 'DELETE' }), 204)
    })

    t.test('6: MediaLive, token in the destination: three renditions and the master', async (t) => {
      const { origin, send } = await open(t)
      const query = `token=${origin.keys.encoder}&ttl_seconds=3600&role=origin`
      for (const [name, body] of mediaLiveObjects(query)) {
        const put = await send(`/cache/live-origin/${name}?${query}`, { method: 'PUT', body })
        checkEmpty(t, put, 204)
      }
    })

    t.test('7: MediaLive, Basic credentials with each request', async (t) => {
      const { origin, send } = await open(t)
      const query = 'ttl_seconds=3600&role=origin'
      const headers = { authorization: basicAuthorization(origin.keys.encoder) }
      for (const [name, body] of mediaLiveObjects(query)) {
        const target = `/cache/live-origin/${name}?${query}`
        checkEmpty(t, await send(target, { method: 'PUT', headers, body }), 204)
      }
    })

    t.test('8: the three verification requests with the player key', async (t) => {
      const { origin, send } = await open(t)
      const put = { method: 'PUT', headers: { authorization: origin.keys.encoder } }
      const ladder = readEncoderFixture('final-v7-B-ladder-header').requests
      const textOf = (name: string) =>
        ladder.find((request) => request.target.includes(`/${name}?`))?.body.text ?? ''
      const objects = new Map<string, Buffer>([
        ['playlist.m3u8', Buffer.from(textOf('playlist.m3u8'))],
        ['playlist_480p30.m3u8', Buffer.from(textOf('playlist_480p30.m3u8'))],
        ['playlist_480p30_00000.ts', readTsSegment()],
      ])
      for (const [name, body] of objects) {
        const target = `/cache/live-origin/${name}?ttl_seconds=3600`
        checkEmpty(t, await send(target, { ...put, body }), 204)
      }
      for (const [name, body] of objects) {
        const read = await send(`/cache/live-origin/${name}?token=${origin.keys.player}`)
        t.equal(read.status, 200)
        t.equal(Number(read.headers['content-length']), read.body.length)
        if (isMomento || name.endsWith('.ts')) t.ok(read.body.equals(body), `${name}: its bytes`)
        t.equal(read.headers['content-type'], isMomento ? OCTETS : typeOf(name))
        if (isMomento) t.equal(read.headers['cache-control'], undefined)
        else t.match(read.headers['cache-control'], /max-age=\d+/)
      }
    })

    t.test('9: the player key cannot write', async (t) => {
      const { origin, send } = await open(t)
      const target = `/cache/live-origin/a.ts?ttl_seconds=60&token=${origin.keys.player}`
      checkError(t, await send(target, { method: 'PUT', body: 'x' }), 403)
      checkError(t, await send(target, { method: 'DELETE' }), 403)
    })

    t.test('10: a CDN: injected raw key, foreign Host, HEAD, viewer query', async (t) => {
      const { origin, send } = await open(t)
      await putAll(send, origin)
      const headers = { authorization: origin.keys.player, host: 'd111.cdn.example' }
      for (const name of ['playlist_480p30.m3u8', 'playlist_480p30_00940.ts']) {
        const target = `/cache/live-origin/${name}?ttl_seconds=3600&session=viewer`
        const read = await send(target, { headers })
        t.equal(read.status, 200)
        const head = await send(target, { method: 'HEAD', headers })
        t.equal(head.status, 200)
        t.equal(head.body.length, 0)
        t.equal(head.headers['content-length'], read.headers['content-length'])
        t.equal(head.headers['content-type'], read.headers['content-type'])
      }
    })

    t.test('11: a CDN that keeps the query: player key and token at once', async (t) => {
      const { origin, send } = await open(t)
      await putAll(send, origin)
      const query = `token=${origin.keys.encoder}&ttl_seconds=3600&role=origin`
      const read = await send(`/cache/live-origin/playlist_480p30.m3u8?${query}`, {
        headers: { authorization: origin.keys.player },
      })
      if (isMomento) checkError(t, read, 400, 'only one value must be set')
      else t.equal(read.status, 200, 'amended: either that grants is enough')
      // One of the two is no key of ours: CloudFront adds the read key to foreign tokens.
      const stale = await send(`/cache/live-origin/playlist_480p30.m3u8?token=not-a-key`, {
        headers: { authorization: origin.keys.player },
      })
      if (isMomento) checkError(t, stale, 400, 'only one value must be set')
      else t.equal(stale.status, 200)
      // "Either that grants": the player key alone could not write.
      const write = await send(`/cache/live-origin/x.ts?${query}`, {
        method: 'PUT',
        headers: { authorization: origin.keys.player },
        body: 'x',
      })
      if (isMomento) checkError(t, write, 400, 'only one value must be set')
      else checkEmpty(t, write, 204)
    })

    t.test('12: ffmpeg with query keys and with paths; a page of another origin', async (t) => {
      const { origin, send } = await open(t)
      const token = origin.keys.encoder
      const page = { origin: 'https://player.example' }
      for (const form of ['?key=stream.m3u8&', '/stream.m3u8?']) {
        const target = `/cache/live-origin${form}ttl_seconds=30&token=${token}`
        checkEmpty(t, await send(target, { method: 'PUT', body: MEDIA_PLAYLIST }), 204)
        const read = await send(target, { headers: page })
        t.equal(read.status, 200)
        t.equal(read.headers['access-control-allow-origin'], isMomento ? page.origin : '*')
        if (isMomento) t.match(read.headers.vary, /\borigin\b/i)
        const missing = await send(`/cache/live-origin/none?token=${token}`, { headers: page })
        t.equal(missing.status, 404)
        t.equal(missing.headers['access-control-allow-origin'], isMomento ? page.origin : '*')
      }
      const preflight = await send('/cache/live-origin/location', {
        method: 'OPTIONS',
        headers: {
          ...page,
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'authorization,content-type',
        },
      })
      t.equal(preflight.status, 204)
      t.match(preflight.headers['access-control-allow-methods'], /PUT/)
      t.match(preflight.headers['access-control-allow-headers'], /authorization/i)
      t.match(preflight.headers['access-control-allow-headers'], /content-type/i)
    })

    t.test('13: token in the playlist, HLS and DASH, absolute and root-relative', async (t) => {
      const { origin, send } = await open(t)
      const { dataPlaneUrl, keys } = origin
      const put = { method: 'PUT', headers: { authorization: keys.encoder } }
      const segment = readTsSegment()
      await send('/cache/live-origin/s1.ts?ttl_seconds=60', { ...put, body: segment })
      const reference = `/cache/live-origin/s1.ts?token=${keys.player}`
      for (const url of [reference, `${dataPlaneUrl}${reference}`]) {
        const hls = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${url}\n`
        const dash = `<?xml version="1.0"?><MPD><SegmentURL media="${url}"/></MPD>`
        for (const [name, body] of [
          ['p.m3u8', hls],
          ['p.mpd', dash],
        ] as const) {
          const target = `/cache/live-origin/${name}`
          checkEmpty(t, await send(`${target}?ttl_seconds=60`, { ...put, body }), 204)
          const read = await send(`${target}?token=${keys.player}`)
          const found = /^(?:https?:\/\/|\/cache).*$|media="([^"]+)"/m.exec(read.text)
          const segmentUrl = new URL(found?.[1] ?? found?.[0] ?? '', `${dataPlaneUrl}${target}`)
          const bytes = await http(segmentUrl.href)
          t.equal(bytes.status, 200)
          t.ok(bytes.body.equals(segment))
        }
      }
    })

    t.test('14: a session token for a key prefix: in scope, out of scope, expired', async (t) => {
      const { origin, clock, send } = await open(t)
      await origin.createCache('media')
      const writer = (await allCaches(origin)).apiKey
      const put = { method: 'PUT', headers: { authorization: writer }, body: 'x' }
      for (const key of ['//Movie/1080p/s1.ts', '/Movie/1080p/s1.ts', '/Other/s1.ts']) {
        checkEmpty(t, await send(`/cache/media${key}?ttl_seconds=86400`, put), 204)
      }
      const session = await origin.mintKey({
        role: 'readonly',
        caches: ['media'],
        items: { kind: 'keyPrefix', keyPrefix: '/Movie/' },
        expiresInSeconds: 3600,
      })
      const headers = { authorization: session.apiKey }
      t.equal((await send('/cache/media//Movie/1080p/s1.ts', { headers })).status, 200)
      t.equal((await send('/cache/media/%2FMovie/1080p/s1.ts', { headers })).status, 200)
      t.equal((await send('/cache/media/Movie/1080p/s1.ts', { headers })).status, 200)
      checkError(t, await send('/cache/media/Other/s1.ts', { headers }), 403)
      checkError(t, await send('/cache/media/Other/not-there.ts', { headers }), 403)
      clock.advance(3600_000 - 1)
      t.equal((await send('/cache/media//Movie/1080p/s1.ts', { headers })).status, 200)
      clock.advance(1000)
      checkError(t, await send('/cache/media//Movie/1080p/s1.ts', { headers }), 401)
    })

    t.test('18: the encoder stops and the TTL passes', async (t) => {
      const { origin, clock, send } = await open(t)
      await putAll(send, origin, 60)
      const headers = { authorization: origin.keys.player }
      const names = ['playlist_480p30.m3u8', 'playlist_480p30_00940.ts']
      clock.advance(60_000 - 1)
      for (const name of names) {
        t.equal((await send(`/cache/live-origin/${name}`, { headers })).status, 200)
      }
      clock.advance(1)
      for (const name of names) {
        const gone = await send(`/cache/live-origin/${name}`, { headers })
        checkError(t, gone, 404, 'Key Not Found')
      }
    })

    t.test('an overwrite starts a new TTL; a read does not', async (t) => {
      const { origin, clock, send } = await open(t)
      const headers = { authorization: origin.keys.encoder }
      const target = '/cache/live-origin/a.bin?ttl_seconds=10'
      await send(target, { method: 'PUT', headers, body: 'one' })
      clock.advance(9_000)
      await send(target, { method: 'PUT', headers, body: 'two' })
      clock.advance(9_999)
      t.equal((await send(target, { headers })).text, 'two')
      clock.advance(1)
      t.equal((await send(target, { headers })).status, 404)
    })

    t.test('ttl_seconds: required by query; by path only in the exact profile', async (t) => {
      const { origin, clock, send } = await open(t)
      const put = { method: 'PUT', headers: { authorization: origin.keys.encoder }, body: 'x' }
      checkError(t, await send('/cache/live-origin?key=a', put), 400)
      const byPath = await send('/cache/live-origin/a', put)
      if (isMomento) {
        checkError(t, byPath, 400)
        return
      }
      checkEmpty(t, byPath, 204)
      const { headers } = put
      clock.advance(3600_000 - 1)
      t.equal((await send('/cache/live-origin/a', { headers })).status, 200, 'the cache default')
      clock.advance(1)
      t.equal((await send('/cache/live-origin/a', { headers })).status, 404)
    })

    t.test('an object over the limit is 413, and 429 in the exact profile', async (t) => {
      const { origin, send } = await open(t)
      const put = { method: 'PUT', headers: { authorization: origin.keys.encoder } }
      const body = Buffer.alloc(10 * 1024 * 1024 + 1)
      const answer = await send('/cache/live-origin/big.ts?ttl_seconds=60', { ...put, body })
      checkError(t, answer, isMomento ? 429 : 413, 'Resource Exhausted')
    })
  })
}

const OCTETS = 'application/octet-stream'

function typeOf(name: string): string {
  return name.endsWith('.ts') ? 'video/mp2t' : 'application/vnd.apple.mpegurl'
}
