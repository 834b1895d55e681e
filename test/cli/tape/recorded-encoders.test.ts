/** Every recorded encoder, recorded anew and replayed: the copy holds what the original holds. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { http } from '../../support/http.ts'
import { encoderFixtureNames, readEncoderFixture } from '../../support/encoder-fixture.ts'
import { replayEncoder } from '../../support/replay.ts'
import { hashesOf, openRigRun, recordTape } from './encoder.ts'

/** One of each kind; they take as long as their encoders waited for answers. */
const NAMES = encoderFixtureNames().filter((name) =>
  /^(?:final-v5-A|final-v5-E|final-v7-B-ladder-q|final-v9|kill9|shaka-ts$|v7-userpass-expect$)/.test(
    name,
  ),
)

t.test('recorded encoders', async (t) => {
  const rig = await openRigRun(t, { caches: { autoCreate: true } })
  const { origin } = rig
  for (const name of NAMES) {
    await t.test(name, async (t) => {
      await http(`${origin.adminUrl}/api/reset`, {
        method: 'POST',
        headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
        body: '{}',
      })
      const fixture = readEncoderFixture(name)
      const cache =
        /\/cache\/([^/?]+)/.exec(fixture.requests[0]?.target ?? '')?.[1] ?? 'live-origin'
      if (cache !== 'live-origin' && cache !== 'copy')
        await origin.createCache(cache).catch(() => undefined)
      const recorded = await recordTape(
        rig,
        async () => {
          await replayEncoder(fixture, {
            ...{ originUrl: origin.dataPlaneUrl, credential: origin.keys.superUser },
            addAuthorization: !/\{\{(?:token|authorization|basic)/.test(JSON.stringify(fixture)),
          })
        },
        [],
        cache,
      )
      t.ok((recorded['requestCount'] ?? 0) > 0)
      t.equal(recorded['missedCount'], 0)
      t.notOk(readFileSync(recorded.file).includes(origin.keys.superUser))
      const to = `${origin.dataPlaneUrl}/cache/copy`
      const replayed = await rig.run([
        'replay',
        recorded.file,
        '--to',
        to,
        '--speed',
        'max',
        '--json',
      ])
      t.equal(replayed.exitCode, 0, replayed.out + replayed.err)
      t.same(await hashesOf(rig, 'copy'), await hashesOf(rig, cache))
    })
  }
})
