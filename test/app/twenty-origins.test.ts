/** Test suites run side by side, and each starts an origin: none may notice another. */

import { existsSync } from 'node:fs'
import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { closeIdleConnections, http } from '../support/http.ts'

const ORIGINS = 20
const KEYS = Array.from({ length: 10 }, (_, index) => `show/${index}.ts`)

const bodyOf = (origin: number, key: string) => `${key} of origin ${origin}`

function ask(origin: Headwater, key: string, apiKey: string, body?: string) {
  return http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, {
    ...(body === undefined ? {} : { method: 'PUT', body }),
    headers: { authorization: apiKey },
  })
}

t.test('twenty origins in one process, started and used at once', async (t) => {
  const origins = await Promise.all(
    Array.from({ length: ORIGINS }, () => startHeadwater({ settings: { rig: { enabled: true } } })),
  )
  t.teardown(async () => {
    closeIdleConnections()
    await Promise.all(origins.map((origin) => origin.close()))
  })
  const urls = origins.flatMap(({ dataPlaneUrl, adminUrl }) => [dataPlaneUrl, adminUrl])
  t.equal(new Set(urls).size, 2 * ORIGINS, 'a port of its own for everything')
  t.equal(new Set(origins.map(({ config }) => config.dataDir)).size, ORIGINS)
  origins[0]?.faults?.add({ action: 'status', match: { key: 'show/0.ts' } })

  await t.test('each keeps what it was given', async (t) => {
    await Promise.all(
      origins.flatMap((origin, number) =>
        KEYS.map(async (key) => {
          const put = await ask(origin, key, origin.keys.encoder, bodyOf(number, key))
          if (put.status !== 204) t.fail(`${put.status} ${put.text}`)
        }),
      ),
    )
    const wrong: string[] = []
    await Promise.all(
      origins.flatMap((origin, number) =>
        KEYS.map(async (key) => {
          const answer = await ask(origin, key, origin.keys.player)
          if (answer.text !== bodyOf(number, key)) wrong.push(`${number} ${key} ${answer.status}`)
        }),
      ),
    )
    t.same(wrong, ['0 show/0.ts 503'], 'and the fault of one is the fault of one')
  })

  await t.test('a key of one opens no other', async (t) => {
    const [first, second] = origins
    if (first === undefined || second === undefined) throw new Error('twenty were started')
    t.equal((await ask(second, 'show/1.ts', first.keys.superUser)).status, 401)
  })

  await t.test('nothing stays of one that is closed, and the others go on', async (t) => {
    const [first, ...others] = origins
    closeIdleConnections()
    await first?.close()
    t.notOk(existsSync(first?.config.dataDir ?? ''))
    const answers = await Promise.all(
      others.map((origin) => ask(origin, 'show/1.ts', origin.keys.player)),
    )
    t.ok(answers.every(({ status }) => status === 200))
  })
})
