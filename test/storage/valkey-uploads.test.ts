import t from 'tap'
import type { ValkeyLink } from '../../src/storage/valkey/valkey-link.ts'
import { tagOf, uploadNameOf } from '../../src/storage/valkey/valkey-keys.ts'
import {
  ANNOUNCED_MAX,
  ANNOUNCED_MS,
  ValkeyUploads,
} from '../../src/storage/valkey/valkey-uploads.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { storeKey } from './sample-item.ts'

const KEY = storeKey('live/1.ts')
const NAME = uploadNameOf(tagOf(KEY), KEY).toString()

function open() {
  const clock = new ManualClock()
  const sent: string[] = []
  const client = {
    call: (...command: readonly unknown[]) => {
      sent.push(command.map(String).join(' '))
      return Promise.resolve()
    },
  }
  let isDown = false
  const ask = (question: (to: typeof client) => Promise<unknown>) =>
    isDown ? Promise.reject(new Error('down')) : question(client)
  // All that is used of it.
  const link = { ask } as unknown as ValkeyLink
  const uploads = new ValkeyUploads({ link, clock })
  return { clock, sent, uploads, fail: () => (isDown = true) }
}

const SET = `set ${NAME} 1 PX ${ANNOUNCED_MS}`

t.test('an upload is announced, renewed for a minute, and taken back if it fails', async (t) => {
  const { clock, sent, uploads } = open()
  uploads.begin(KEY)
  t.same(sent, [SET])
  clock.advance(1999)
  t.equal(sent.length, 1)
  clock.advance(1)
  t.same(sent, [SET, SET])
  uploads.end(KEY, false)
  t.equal(sent.at(-1), `unlink ${NAME}`)
  uploads.end(KEY, false)
  clock.advance(10_000)
  t.equal(sent.length, 3, 'once')
  t.equal(clock.timerCount, 0)

  uploads.begin(KEY)
  clock.advance(60_000)
  const renewedCount = sent.length
  clock.advance(60_000)
  t.equal(sent.length, renewedCount, 'an upload without end is not waited for')
  t.equal(clock.timerCount, 0)
})

t.test('a write takes it away by itself; a young one is not renewed with an old one', async (t) => {
  const { clock, sent, uploads } = open()
  uploads.begin(KEY)
  clock.advance(1500)
  uploads.begin(storeKey('live/2.ts'))
  clock.advance(500)
  t.equal(sent.filter((command) => command === SET).length, 2)
  t.equal(sent.length, 3)
  uploads.end(KEY, true)
  t.equal(sent.length, 3)
})

t.test('Valkey may be down, the store closed, uploads too many', async (t) => {
  const down = open()
  down.fail()
  down.uploads.begin(KEY)
  down.uploads.end(KEY, false)
  await new Promise((resolve) => setImmediate(resolve))
  t.pass('nobody has to know')

  const closed = open()
  closed.uploads.begin(KEY)
  closed.uploads.close()
  closed.uploads.begin(storeKey('live/2.ts'))
  t.equal(closed.clock.timerCount, 0)
  t.equal(closed.sent.length, 1)

  const many = open()
  for (let index = 0; index <= ANNOUNCED_MAX; index++) many.uploads.begin(storeKey(`live/${index}`))
  t.equal(many.sent.length, ANNOUNCED_MAX)
})
