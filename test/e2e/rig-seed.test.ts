/** Ten times the real ffmpeg under one seeded scenario: the same requests, the same faults. */

import t from 'tap'
import { runFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { SEGMENT_SECONDS, makeLadder } from '../support/live-ladder.ts'
import { openOrigin } from '../support/origin.ts'

const RUNS = Array.from({ length: 10 }, (_, index) => `seeded~${index + 1}`)

t.test('ffmpeg meets the same faults ten times', { timeout: 200_000 }, async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const { dataPlaneUrl, keys } = origin
  const segments = (await makeLadder(40)).find(({ name }) => name === 'v144')?.segments ?? []
  const put = (key: string, body: string | Uint8Array) =>
    http(`${dataPlaneUrl}/cache/live-origin/${key}`, {
      method: 'PUT',
      body,
      headers: { authorization: keys.encoder },
    })
  for (const [index, segment] of segments.entries()) await put(`film/${index}.ts`, segment)
  const lines = segments.map((_, index) => `#EXTINF:${SEGMENT_SECONDS}.0,\n${index}.ts\n`).join('')
  const head = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}\n`
  await put('film/list.m3u8', `${head}${lines}#EXT-X-ENDLIST\n`)
  origin.faults?.define({
    name: 'seeded',
    description: '',
    faults: [
      { action: 'status', statusCode: 404, seed: 3, match: { kind: 'segment', probability: 0.3 } },
      {
        action: 'truncate',
        afterBytes: 20_000,
        seed: 4,
        match: { kind: 'segment', probability: 0.3 },
      },
      { action: 'corrupt', seed: 5, match: { kind: 'segment', probability: 0.3 } },
    ],
  })
  const results = await Promise.all(
    RUNS.map((run) => {
      const url = `${dataPlaneUrl}/rig/${run}/cache/live-origin/film/list.m3u8?token=${keys.player}`
      return runFfmpeg(['-i', url, '-c', 'copy', '-f', 'null', '-'])
    }),
  )
  t.same(
    results.map(({ exitCode }) => exitCode),
    RUNS.map(() => 0),
  )
  const logs = RUNS.map((run) =>
    (origin.faults?.events() ?? [])
      .filter(({ scenario }) => scenario === run)
      .map(({ action, key }) => `${action} ${key}`),
  )
  const [first = []] = logs
  t.same([...new Set(first.map((line) => line.split(' ')[0]))].sort(), [
    'corrupt',
    'status',
    'truncate',
  ])
  for (const [index, log] of logs.entries()) t.strictSame(log, first, `run ${index + 1}`)
})
