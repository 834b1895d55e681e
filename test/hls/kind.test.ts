import t from 'tap'
import { itemKeyFromText } from '../../src/base/names.ts'
import type { ItemKey } from '../../src/base/names.ts'
import { extensionOfKey, kindOfItem, kindOfKey } from '../../src/hls/kind.ts'
import type { MediaKind } from '../../src/hls/kind.ts'
import { mediaTypeOfKey } from '../../src/hls/media-types.ts'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import type { ItemKind } from '../../src/storage/store.ts'

// The two rooms may not know each other; this fails to compile when their sets differ.
const toStorage: (kind: MediaKind) => ItemKind = (kind) => kind
const toHls: (kind: ItemKind) => MediaKind = (kind) => kind

function keyOf(text: string): ItemKey {
  const key = itemKeyFromText(text)
  if (key === undefined) throw new Error(`not a key: ${text}`)
  return key
}

t.test('names tell kinds and media types', async (t) => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['playlist.m3u8', 'playlist', 'application/vnd.apple.mpegurl'],
    ['a/b/PLAYLIST.M3U8', 'playlist', 'application/vnd.apple.mpegurl'],
    ['radio.m3u', 'playlist', 'application/vnd.apple.mpegurl'],
    ['live.mpd', 'manifest', 'application/dash+xml'],
    ['seg_00001.ts', 'segment', 'video/mp2t'],
    ['seg.m4s', 'segment', 'video/iso.segment'],
    ['seg.mp4', 'segment', 'video/mp4'],
    ['Streams(video).cmfv', 'segment', 'video/mp4'],
    ['audio.cmfa', 'segment', 'audio/mp4'],
    ['text.cmft', 'segment', 'application/mp4'],
    ['a.m4a', 'segment', 'audio/mp4'],
    ['a.m4v', 'segment', 'video/mp4'],
    ['a.aac', 'segment', 'audio/aac'],
    ['a.ac3', 'segment', 'audio/ac3'],
    ['a.ec3', 'segment', 'audio/eac3'],
    ['a.mp3', 'segment', 'audio/mpeg'],
    ['a.vtt', 'segment', 'text/vtt'],
    ['init.mp4', 'init', 'video/mp4'],
    ['init-stream0.m4s', 'init', 'video/iso.segment'],
    ['channel_1080pinit.mp4', 'init', 'video/mp4'],
    ['INIT_0.MP4', 'init', 'video/mp4'],
    ['v/Init.cmfv', 'init', 'video/mp4'],
    ['video.init', 'init', 'video/mp4'],
    ['video.header', 'init', 'video/mp4'],
    ['init/seg1.mp4', 'segment', 'video/mp4'],
    ['init.ts', 'segment', 'video/mp2t'],
    ['enc.key', 'key', 'application/octet-stream'],
    ['poster.jpg', 'other', 'image/jpeg'],
    ['poster.png', 'other', 'image/png'],
    ['meta.json', 'other', 'application/json'],
    ['note.txt', 'other', 'text/plain; charset=utf-8'],
    ['a.xml', 'other', 'application/xml'],
    ['noextension', 'other', undefined],
    ['folder.ts/file', 'other', undefined],
    ['trailing.', 'other', undefined],
    ['.m3u8', 'playlist', 'application/vnd.apple.mpegurl'],
    ['__proto__', 'other', undefined],
    ['a.constructor', 'other', undefined],
  ]
  for (const [name, kind, mediaType] of cases) {
    t.equal(kindOfKey(keyOf(name)), kind, name)
    t.equal(mediaTypeOfKey(keyOf(name)), mediaType, name)
  }
})

t.test('a playlist`s content decides between two kinds', async (t) => {
  t.equal(kindOfItem('playlist', parsePlaylist('#EXTM3U\n#EXTINF:6,\na.ts\n')), 'media')
  t.equal(
    kindOfItem('playlist', parsePlaylist('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n')),
    'multivariant',
  )
  t.equal(kindOfItem('playlist', undefined), 'other')
  t.equal(kindOfItem('segment', undefined), 'segment')
  t.equal(toStorage(toHls('part')), 'part')
})

t.test('an extension is what follows the last dot of the last part', async (t) => {
  t.equal(extensionOfKey(keyOf('a.b/c.D')), 'd')
  t.equal(extensionOfKey(keyOf('a.b/c')), '')
  t.equal(extensionOfKey(keyOf('/')), '')
})
