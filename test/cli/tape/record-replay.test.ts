/** What was recorded, replayed: through the commands, over sockets, into a second cache. */

import t from 'tap'
import { http } from '../../support/http.ts'
import { hashesOf, openRigRun, recordTape } from './encoder.ts'

const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n1.ts\n'

t.test('what was pushed is replayed into another cache, byte for byte', async (t) => {
  const rig = await openRigRun(t)
  const { origin } = rig
  const put = (key: string, body: string | Buffer) =>
    http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, {
      method: 'PUT',
      body,
      headers: { authorization: origin.keys.encoder },
    })
  const recorded = await recordTape(rig, async () => {
    await put('1.ts', Buffer.alloc(300_000, 7))
    await put('playlist.m3u8', PLAYLIST)
    await put('gone.ts', 'x')
    await http(`${origin.dataPlaneUrl}/cache/live-origin/gone.ts`, {
      method: 'DELETE',
      headers: { authorization: origin.keys.encoder },
    })
    await put('broken.m3u8', 'nothing')
  })
  t.match(recorded, { requestCount: 5, refusedCount: 1, missedCount: 0, unfinishedCount: 0 })
  const to = `${origin.dataPlaneUrl}/cache/copy`
  const replayed = await rig.run(['replay', recorded.file, '--to', to, '--speed', '20', '--json'])
  t.equal(replayed.exitCode, 0, replayed.err)
  t.match(JSON.parse(replayed.out), {
    requestCount: 5,
    refusedCount: 0,
    statuses: { 204: 4, 400: 1 },
    differences: [],
  })
  const copy = await hashesOf(rig, 'copy')
  t.same(copy, await hashesOf(rig, 'live-origin'))
  t.same(Object.keys(copy), ['1.ts', 'playlist.m3u8'])
})
