/** No rule may speak up for what recorded encoders do when all is well. */

import t from 'tap'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import type { MediaPlaylist } from '../../src/hls/playlist.ts'
import { resolveToKey } from '../../src/hls/resolve.ts'
import { validateAgainstStore, validateBitrates } from '../../src/hls/validate-channel.ts'
import { renditionStateOf, validateRenditions } from '../../src/hls/validate-channel.ts'
import { validateMediaPlaylist } from '../../src/hls/validate-media-playlist.ts'
import { validateMultivariant } from '../../src/hls/validate-multivariant.ts'
import type { Finding } from '../../src/hls/validation-rules.ts'
import { encoderFixtureNames, readEncoderFixture } from '../support/encoder-fixture.ts'

/** ffmpeg's single file removes a byte range from the beginning and forgets to count. */
const FAULTY: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'ts-singlefile',
    [
      'media-sequence-mismatch: The media sequence number grew by 0, from 0 to 0, but 1 segment went.',
    ],
  ],
])

/** The connection before which the record leaves some out: nothing is known at it. */
const HOLES: ReadonlyMap<string, number> = new Map([['shaka-fmp4', 43]])

interface Replay {
  readonly findings: readonly Finding[]
  readonly playlistCount: number
}

function replay(name: string): Replay {
  const findings: Finding[] = []
  const latest = new Map<string, MediaPlaylist>()
  const sizes = new Map<string, number>()
  let bandwidthBitsPerSecond = 0
  let playlistCount = 0
  let isComplete = true
  for (const { target, method, body, connection } of readEncoderFixture(name).requests) {
    if (connection === HOLES.get(name)) {
      latest.clear()
      isComplete = false
    }
    const [path = '', query = ''] = target.split('?')
    const keyInQuery = /(?:^|&)key=([^&]*)/.exec(query)?.[1]
    const cacheName = parseCacheName(path.split('/')[2] ?? '')
    const key = itemKeyFromText(keyInQuery ?? path.split('/').slice(3).join('/'))
    if (cacheName === undefined || key === undefined || method === 'DELETE') continue
    if (body.sizeBytes !== undefined) sizes.set(key, body.sizeBytes)
    const playlist = body.text === undefined ? undefined : parsePlaylist(body.text)
    if (playlist === undefined) continue
    playlistCount++
    if (playlist.kind === 'multivariant') {
      findings.push(...validateMultivariant({ next: playlist }))
      bandwidthBitsPerSecond = Math.max(
        ...playlist.variants.map((variant) => variant.bandwidthBitsPerSecond),
      )
      continue
    }
    const previous = latest.get(key)
    findings.push(...validateMediaPlaylist({ previous, next: playlist }))
    latest.set(key, playlist)
    findings.push(
      ...validateRenditions([...latest].map(([each, media]) => renditionStateOf(each, media))),
    )
    const location = {
      cacheName,
      playlistKey: key,
      keyForm: keyInQuery === undefined ? ('path' as const) : ('query' as const),
    }
    const sizeOf = (uri: string): number | undefined => sizes.get(resolveToKey(location, uri) ?? '')
    findings.push(
      ...validateAgainstStore({
        next: playlist,
        previous,
        isStored: (uri) =>
          uri.includes('{{host}}') || !isComplete ? undefined : sizeOf(uri) !== undefined,
      }),
    )
    findings.push(
      ...validateBitrates({
        next: playlist,
        previous,
        sizeBytesOf: sizeOf,
        bandwidthBitsPerSecond,
      }),
    )
  }
  return { findings, playlistCount }
}

t.test('recorded encoders', async (t) => {
  let playlistCount = 0
  for (const name of encoderFixtureNames()) {
    const { findings, playlistCount: count } = replay(name)
    playlistCount += count
    const alarms = findings.filter(({ severity }) => severity !== 'info')
    t.same(
      [...new Set(alarms.map(({ rule, message }) => `${rule}: ${message}`))],
      FAULTY.get(name) ?? [],
      `${name} ${[...new Set(findings.map(({ rule }) => rule))].join(' ')}`,
    )
  }
  t.ok(playlistCount > 150, `${playlistCount} playlists`)
})
