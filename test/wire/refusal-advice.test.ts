import t from 'tap'
import { adviseOnRefusal } from '../../src/wire/refusal-advice.ts'
import type { RefusalFacts } from '../../src/wire/refusal-advice.ts'
import { REFUSAL_WORDS } from '../../src/wire/refusal-words.ts'
import { REFUSALS } from '../../src/wire/refusals.ts'

function advise(change: Partial<RefusalFacts>) {
  const facts: RefusalFacts = {
    reason: 'key-not-found',
    isRead: true,
    cacheName: 'live-origin',
    key: 'a/seg_1.ts',
    userAgent: 'Mozilla/5.0',
    hadQueryToken: false,
    hadHeaderCredential: false,
    onlySegments: true,
    ...change,
  }
  return adviseOnRefusal(facts, 'http://127.0.0.1:8080')
}

t.test('every reason has a sentence and advice, and no other has', async (t) => {
  t.strictSame(Object.keys(REFUSAL_WORDS).sort(), Object.keys(REFUSALS).sort())
  for (const [reason, { sentence, advice }] of Object.entries(REFUSAL_WORDS)) {
    t.match(sentence, /^[A-Za-z].*\.$/, reason)
    t.match(advice, /^[A-Z]/, reason)
  }
})

t.test('a reader is told how to read, a writer how to write', async (t) => {
  t.match(advise({ reason: 'permission-denied' }).commands, [/--role readonly$/])
  t.match(advise({ reason: 'permission-denied', isRead: false }).commands, [/--role readwrite$/])
  t.match(advise({ reason: 'credential-expired' }).commands, [/--role readonly$/])
  t.match(advise({ reason: 'cache-not-found', cacheName: 'news' }).commands, [/create news$/])
  t.match(advise({ reason: 'credential-missing' }).advice, /CDN/)
  t.strictSame(advise({}).commands, [])
})

t.test('a reason of another version is at least named', async (t) => {
  t.strictSame(advise({ reason: 'future-reason' }), {
    sentence: 'future-reason.',
    advice: '',
    commands: [],
  })
})

t.test('a line to paste holds no name that a shell would read', async (t) => {
  const lineFor = (key: string) =>
    advise({ reason: 'credential-missing', isRead: false, userAgent: 'Lavf/59.27.100', key })
      .commands[0] ?? ''
  t.match(lineFor('show/seg_00001.ts'), /\/show\/seg_%05d\.ts\?/)
  for (const key of ['x$(id)_1.ts', 'x`id`1.ts', 'x";id;"1.ts', "x'1.ts", 'x y1.ts', 'x\\1.ts']) {
    t.match(lineFor(key), /\/playlist_%05d\.ts\?/, key)
  }
})
