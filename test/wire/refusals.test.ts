import t from 'tap'
import { isActiveType } from '../../src/wire/headers.ts'
import { REFUSALS, refusalBody } from '../../src/wire/refusals.ts'
import type { RefusalReason } from '../../src/wire/refusals.ts'

t.test('every refusal has a status, words and a short body', async (t) => {
  for (const [reason, refusal] of Object.entries(REFUSALS)) {
    const body = refusalBody(reason as RefusalReason, refusal.statusCode)
    t.ok(body.length < 512, reason)
    t.same(JSON.parse(body.toString()), {
      status: refusal.statusCode,
      code: refusal.code,
      message: refusal.message,
      detail: refusal.detail,
    })
  }
})

t.test('the status in the body is the one that is sent', async (t) => {
  t.match(JSON.parse(refusalBody('body-too-large', 429).toString()), { status: 429 })
})

t.test('types a browser would run are told from media', async (t) => {
  for (const type of [
    'video/mp2t',
    'audio/aac',
    'application/vnd.apple.mpegurl',
    'application/dash+xml',
    'application/octet-stream',
    'text/vtt',
    'text/plain; charset=utf-8',
    'image/jpeg',
  ]) {
    t.notOk(isActiveType(type), type)
  }
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'x/y']) {
    t.ok(isActiveType(type), type)
  }
})
