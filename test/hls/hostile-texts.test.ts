/** Whoever holds a write key chooses the text: time must grow with its length, never faster. */

import t from 'tap'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import { containsCredential } from '../../src/hls/credential-search.ts'
import { addToken, stripTokens, tokensIn } from '../../src/hls/token-hygiene.ts'
import type { PlaylistLocation } from '../../src/hls/resolve.ts'

const SIZE = 2 ** 20

const cacheName = parseCacheName('live')
const playlistKey = itemKeyFromText('ch/a.m3u8')
if (cacheName === undefined || playlistKey === undefined) throw new Error('not a location')
const location: PlaylistLocation = { cacheName, playlistKey, keyForm: 'path', ownHosts: ['own'] }

/** A beginning, and what is repeated up to 1 MiB. */
const TEXTS: readonly (readonly [string, string])[] = [
  ['#EXTM3U\n', 'a\n'],
  ['#EXTM3U\n', '\r'],
  ['#EXTM3U\n', '#EXTINF:2,\nseg_1.ts?token=x\n'],
  ['#EXTM3U\n', '../a?token=1\n'],
  ['#EXTM3U\n', '//b?token=1\n'],
  ['#EXTM3U\n#EXT-X-KEY:URI', ','],
  ['#EXTM3U\n#EXT-X-KEY:URI=', '"'],
  ['#EXTM3U\n#EXT-X-KEY:', 'URI=","'],
  ['#EXTM3U\n#EXT-X-KEY:URI', ',='],
  ['#EXTM3U\na', '?&'],
  ['#EXTM3U\na?token=', '%41'],
  ['#EXTM3U\n', ' '],
  ['<MPD>', '<'],
  ['<MPD>', '<!--'],
  ['<MPD>', '<!D"'],
  ['<MPD>', '<a b="'],
  ['<MPD>', '<BaseURL>'],
  ['<MPD>', '<![CDATA['],
  ['<MPD ', 'a= '],
  ['<MPD>', '<SegmentURL media="a?token=x&amp;x"/>'],
  ['<BaseURL>a?', '&'],
  ['<BaseURL>a?&#', '0'],
]

t.test('1 MiB of anything is done with soon', async (t) => {
  for (const [start, repeated] of TEXTS) {
    const text = start + repeated.repeat(SIZE / repeated.length)
    const syntax = start.startsWith('#') ? ('hls' as const) : ('dash' as const)
    const startedAtMs = performance.now()
    tokensIn(text, location, syntax)
    const { text: stripped } = stripTokens(text, location, { syntax, keepToken: () => false })
    addToken(stripped, location, { syntax, token: 'T' })
    containsCredential(stripped, 'a credential')
    // A quadratic step would take minutes. The bound leaves room for a slow and busy machine.
    t.ok(performance.now() - startedAtMs < 5000, `${start}${repeated}`)
  }
})
