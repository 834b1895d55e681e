import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PartialConfig } from '../../src/config/schema.ts'
import { startHeadwater } from '../../src/app.ts'
import { openApi } from '../support/admin-api.ts'
import { openOrigin } from '../support/origin.ts'

const url = 'http://127.0.0.1:9/hook?key=part-of-the-address'
const withFile = (secretFile: string): PartialConfig => ({
  webhooks: { items: [{ url, secretFile }] },
})

t.test('a webhook without any secret stops the start', async (t) => {
  await t.rejects(startHeadwater({ settings: { webhooks: { items: [{ url }] } } }), {
    code: 'HW_CONFIG_INVALID',
    detail: /^webhooks\.secret = \(secret\)/,
  })
})

t.test(
  'a secret file that is absent or too short stops the start, and is not repeated',
  async (t) => {
    const directory = t.testdir({ short: 'no-secret\n' })
    await t.rejects(startHeadwater({ settings: withFile(join(directory, 'absent')) }), {
      code: 'HW_CONFIG_INVALID',
      message: /secretFile: ENOENT/,
    })
    const short = startHeadwater({ settings: withFile(join(directory, 'short')) })
    const error = await short.then(
      () => new Error('it started'),
      (reason: unknown) => reason as Error,
    )
    t.match(error, { code: 'HW_CONFIG_INVALID', message: /at least \d+ bytes/ })
    t.notMatch(error.message, 'no-secret')
  },
)

t.test(
  'a good one is in no list of settings, nor is what the address has of secrets',
  async (t) => {
    const secret = 'whsec_c2VjcmV0LW9mLWEtcmVjZWl2ZXItMTIzNDU2'
    const path = join(t.testdir(), 'secret')
    writeFileSync(path, `${secret}\n`)
    const api = await openApi(t, await openOrigin(t, withFile(path)))
    const { status, text } = await api('GET', '/api/config')
    t.equal(status, 200)
    t.notOk(text.includes(secret))
    t.notOk(text.includes('part-of-the-address'))
  },
)
