/** Requests and answers of Momento's documents, as the conformance tests send and expect them. */

import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { readTsSegment } from './encoder-fixture.ts'
import type { HttpAnswer, HttpOptions } from './http.ts'

const PLAYLIST = [
  '#EXTM3U',
  '#EXT-X-TARGETDURATION:2',
  '#EXTINF:2,',
  'playlist_480p30_00940.ts',
  '',
]
/** A live media playlist with one segment. */
export const MEDIA_PLAYLIST = PLAYLIST.join('\n')

/** A key for every cache. */
export function allCaches(origin: Headwater) {
  return origin.mintKey({ role: 'readwrite', caches: '*', items: { kind: 'all' } })
}

/** A wrapper that ends in `==`: a parameter is split at its first `=` only. */
export async function keyWithPadding(origin: Headwater): Promise<string> {
  for (let length = 1; length < 12; length++) {
    const minted = await origin.mintKey({
      keyId: 'k'.repeat(length),
      role: 'readwrite',
      caches: ['live-origin'],
      items: { kind: 'all' },
    })
    if (minted.apiKey.endsWith('==')) return minted.apiKey
  }
  throw new Error('no key ends in ==')
}

/** What a MediaLive channel of the guide puts, with the variants' query in the master. */
export function mediaLiveObjects(query: string): ReadonlyMap<string, string | Buffer> {
  const objects = new Map<string, string | Buffer>()
  const master = ['#EXTM3U', '#EXT-X-VERSION:4']
  for (const rendition of ['480p30', '240p30', '720p30']) {
    objects.set(`playlist_${rendition}_00001.ts`, readTsSegment())
    objects.set(
      `playlist_${rendition}.m3u8`,
      `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nplaylist_${rendition}_00001.ts\n`,
    )
    master.push('#EXT-X-STREAM-INF:BANDWIDTH=1500000', `playlist_${rendition}.m3u8?${query}`)
  }
  return objects.set('playlist.m3u8', `${master.join('\n')}\n`)
}

export type Send = (target: string, options?: HttpOptions) => Promise<HttpAnswer>

/** A rendition's playlist and its segment, as the encoder would. */
export async function putAll(send: Send, origin: Headwater, ttlSeconds = 3600): Promise<void> {
  const headers = { authorization: origin.keys.encoder }
  const query = `ttl_seconds=${String(ttlSeconds)}`
  for (const [name, body] of [
    ['playlist_480p30.m3u8', MEDIA_PLAYLIST],
    ['playlist_480p30_00940.ts', readTsSegment()],
  ] as const) {
    await send(`/cache/live-origin/${name}?${query}`, { method: 'PUT', headers, body })
  }
}

/** An answer without a body. */
export function checkEmpty(t: Test, answer: HttpAnswer, status: number): void {
  t.equal(answer.status, status, answer.text)
  t.equal(answer.body.length, 0)
}

/** Momento's error body, our reason, and the words where they are known. */
export function checkError(t: Test, answer: HttpAnswer, status: number, message?: string): void {
  t.equal(answer.status, status, answer.text)
  t.equal(answer.headers['content-type'], 'application/json')
  t.ok(answer.headers['x-headwater-reason'])
  const body: unknown = JSON.parse(answer.text)
  t.hasStrict(body, { status })
  t.match(body, { code: String, message: String, detail: String })
  if (message !== undefined) t.hasStrict(body, { message })
}
