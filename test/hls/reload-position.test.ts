import t from 'tap'
import { parsePlaylist, PLAYLIST_LINES_MAX } from '../../src/hls/playlist.ts'
import type { MediaPlaylist } from '../../src/hls/playlist.ts'
import { judgeReload, lastSegmentMsn } from '../../src/hls/reload-position.ts'
import type { ReloadState } from '../../src/hls/reload-position.ts'

function media(text: string): MediaPlaylist {
  const playlist = parsePlaylist(`#EXTM3U\n#EXT-X-TARGETDURATION:2\n${text}`)
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

const part = (segment: number, index: number) =>
  `#EXT-X-PART:DURATION=0.5,URI="p${segment}.${index}.m4s"\n`
const parts = (segment: number, count: number) =>
  Array.from({ length: count }, (_, index) => part(segment, index)).join('')
const whole = (segment: number) => `#EXTINF:2,\ns${segment}.m4s\n`

/** 10 without parts, 11 with four, 12 in progress with two. */
const text = (partTarget: string) =>
  `${partTarget}#EXT-X-MEDIA-SEQUENCE:10\n${whole(10)}${parts(11, 4)}${whole(11)}${parts(12, 2)}`

t.test('positions in a playlist with parts', async (t) => {
  const playlist = media(text('#EXT-X-PART-INF:PART-TARGET=0.5\n'))
  t.equal(lastSegmentMsn(playlist), 11)
  const cases: readonly (readonly [msn: number, part: number | undefined, ReloadState])[] = [
    [0, undefined, 'ready'], // left the playlist long ago
    [0, 999, 'ready'],
    [9, 3, 'ready'],
    [10, undefined, 'ready'],
    [11, undefined, 'ready'],
    [12, undefined, 'pending'], // in progress is not complete
    [13, undefined, 'pending'],
    [14, undefined, 'too-far'],
    [14, 0, 'too-far'],
    [10, 7, 'ready'],
    [11, 3, 'ready'],
    [11, 4, 'ready'], // the first of 12, which is there
    [11, 99, 'ready'],
    [12, 0, 'ready'],
    [12, 1, 'ready'],
    [12, 2, 'pending'],
    [12, 7, 'pending'], // six beyond the last: 3 s of 0.5 s parts
    [12, 8, 'too-far'],
    [13, 0, 'pending'],
    [13, 5, 'pending'],
    [13, 6, 'too-far'],
  ]
  for (const [msn, index, state] of cases) {
    t.equal(judgeReload(playlist, { msn, part: index }), state, `${msn} ${index}`)
  }
})

t.test('part 0 of a segment that has not begun', async (t) => {
  const playlist = media(
    `#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:5\n${parts(5, 2)}${whole(5)}`,
  )
  t.equal(judgeReload(playlist, { msn: 5, part: 1 }), 'ready')
  t.equal(judgeReload(playlist, { msn: 5, part: 2 }), 'pending', 'the next segment has to begin')
  t.equal(judgeReload(playlist, { msn: 5, part: 500 }), 'pending')
  t.equal(judgeReload(playlist, { msn: 6, part: 2 }), 'pending')
  t.equal(judgeReload(playlist, { msn: 6, part: 3 }), 'too-far', 'three parts of 1 s')
})

t.test('a playlist without parts waits for segments', async (t) => {
  const playlist = media(`#EXT-X-MEDIA-SEQUENCE:5\n${whole(5)}`)
  t.equal(judgeReload(playlist, { msn: 5, part: 3 }), 'ready')
  t.equal(judgeReload(playlist, { msn: 6, part: 0 }), 'pending')
  t.equal(judgeReload(playlist, { msn: 6, part: undefined }), 'pending')
})

t.test('no segment yet, and a delta update that was pushed as it is', async (t) => {
  const empty = media('#EXT-X-MEDIA-SEQUENCE:7\n')
  t.equal(judgeReload(empty, { msn: 6, part: undefined }), 'ready')
  t.equal(judgeReload(empty, { msn: 7, part: undefined }), 'pending')
  t.equal(judgeReload(empty, { msn: 9, part: undefined }), 'too-far')
  const delta = media(`#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n${whole(10)}`)
  t.equal(lastSegmentMsn(delta), 10)
})

t.test('a playlist that is too long to be kept is judged the same', async (t) => {
  const before = Array.from({ length: PLAYLIST_LINES_MAX / 2 }, (_, index) => whole(index)).join('')
  const first = PLAYLIST_LINES_MAX / 2
  const playlist = media(
    `#EXT-X-PART-INF:PART-TARGET=0.5\n${before}${parts(first, 4)}${whole(first)}${parts(first + 1, 2)}`,
  )
  t.ok(playlist.isSummary)
  t.equal(judgeReload(playlist, { msn: first + 1, part: 1 }), 'ready')
  t.equal(judgeReload(playlist, { msn: first + 1, part: 2 }), 'pending')
  t.equal(judgeReload(playlist, { msn: first, part: 4 }), 'ready')
  t.same(
    playlist.openParts.map(({ uri }) => uri),
    [`p${first + 1}.0.m4s`, `p${first + 1}.1.m4s`],
  )
})
