import t from 'tap'
import { looksLikeManifest, looksLikePlaylist } from '../../src/hls/signature.ts'

const BOM = '\ufeff'

t.test('a playlist begins with the tag, alone on its line', async (t) => {
  for (const text of [
    '#EXTM3U',
    '#EXTM3U\n',
    '#EXTM3U\r\n#EXTINF',
    '#EXTM3U \n',
    `${BOM}#EXTM3U\n`,
  ]) {
    t.equal(looksLikePlaylist(Buffer.from(text)), true, JSON.stringify(text))
  }
  const others = ['', '#EXTM3', '#EXTM3UX', '#EXTM3U8\n', '\n#EXTM3U\n', ' #EXTM3U\n', '#extm3u\n']
  for (const text of [...others, BOM, 'G@\x00\x00', '<?xml?>', `${BOM}${BOM}#EXTM3U`]) {
    t.equal(looksLikePlaylist(Buffer.from(text)), false, JSON.stringify(text))
  }
})

t.test('a manifest begins with a tag', async (t) => {
  for (const text of ['<MPD/>', '<?xml version="1.0"?>', ' \r\n\t<MPD/>', `${BOM}<MPD/>`]) {
    t.equal(looksLikeManifest(Buffer.from(text)), true, JSON.stringify(text))
  }
  for (const text of ['', ' \n', '#EXTM3U', 'G<', BOM]) {
    t.equal(looksLikeManifest(Buffer.from(text)), false, JSON.stringify(text))
  }
})
