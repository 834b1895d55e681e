import t from 'tap'
import type { KeyView } from '../../src/console/api/steer-types.ts'
import { EXPIRY_SECONDS_MAX, checkExpiry, expiresAtMs } from '../../src/console/keys/expiry.ts'
import type { Expiry } from '../../src/console/keys/expiry.ts'
import {
  STATEMENTS_MAX,
  checkDraft,
  emptyDraft,
  emptyRow,
  hasProblems,
  toKeyRequest,
  toStatements,
} from '../../src/console/keys/key-draft.ts'
import type { KeyDraft, PermissionRow } from '../../src/console/keys/key-draft.ts'
import { formatKeyInfo } from '../../src/console/keys/key-file.ts'
import {
  allowsWords,
  keyState,
  matchesSearch,
  permissionWords,
  revokeWords,
} from '../../src/console/keys/key-words.ts'
import { EXPIRY_SECONDS_MAX as SERVER_EXPIRY_SECONDS_MAX } from '../../src/auth/key-request.ts'
import { STATEMENTS_MAX as SERVER_STATEMENTS_MAX } from '../../src/auth/key-request.ts'
import { checkGrantRequest } from '../../src/auth/key-request.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 10, 21, 12)

const custom = (amount: string, unit: Expiry['unit']): Expiry => ({
  preset: 'custom',
  amount,
  unit,
})

function draft(change: Partial<KeyDraft> = {}, row: Partial<PermissionRow> = {}): KeyDraft {
  return { ...emptyDraft(), rows: [{ ...emptyRow(1), caches: ['live-origin'], ...row }], ...change }
}

function key(change: Partial<KeyView> = {}): KeyView {
  return {
    keyId: 'encoder-1',
    description: 'the studio',
    kind: 'minted',
    superUser: false,
    permissions: [{ role: 'readwrite', cache: 'live-origin', items: 'all' }],
    admin: null,
    issuedAt: new Date(NOW_MS).toISOString(),
    expiresAt: null,
    revokedAt: null,
    roleId: null,
    refreshedFrom: null,
    ...change,
  }
}

t.test('presets and custom times come to seconds', async (t) => {
  const secondsOf = (expiry: Expiry) => {
    const outcome = checkExpiry(expiry)
    return outcome.kind === 'valid' ? outcome.seconds : outcome.problem
  }
  const preset = (name: Expiry['preset']) => secondsOf({ preset: name, amount: '', unit: 'days' })
  t.same((['hour', 'day', 'month', 'year', 'never'] as const).map(preset), [
    3600,
    86_400,
    2_592_000,
    31_536_000,
    undefined,
  ])
  t.equal(secondsOf(custom(' 90 ', 'minutes')), 5400)
  t.equal(secondsOf(custom('3650', 'days')), EXPIRY_SECONDS_MAX)
  t.match(secondsOf(custom('3651', 'days')), /Ten years/)
  for (const amount of ['', '0', '-1', '1.5', 'x', '1e99']) {
    t.type(secondsOf(custom(amount, 'hours')), 'string', amount)
  }
  t.equal(expiresAtMs(custom('2', 'days'), NOW_MS), NOW_MS + 2 * DAY_MS)
  t.equal(expiresAtMs({ preset: 'never', amount: '', unit: 'days' }, NOW_MS), undefined)
  t.equal(expiresAtMs(custom('x', 'days'), NOW_MS), undefined)
  t.equal(EXPIRY_SECONDS_MAX, SERVER_EXPIRY_SECONDS_MAX)
  t.equal(STATEMENTS_MAX, SERVER_STATEMENTS_MAX)
})

t.test('what the form lets through, the server takes', async (t) => {
  const drafts = [
    draft(),
    draft({ keyId: 'a.b_c-1', description: ' note ' }),
    draft({}, { isAllCaches: true, caches: [], role: 'readonly' }),
    draft({}, { itemsKind: 'key', itemsText: 'a/b.ts' }),
    draft({}, { itemsKind: 'keyPrefix', itemsText: 'ä/' }),
    draft({ kind: 'super' }),
    draft({ kind: 'admin', rows: [], adminCaches: ['live-origin'] }),
    draft({ kind: 'admin', isAdminOfAll: true }),
    draft({ expiry: { preset: 'never', amount: '', unit: 'days' } }),
    draft({}, { caches: Array.from({ length: STATEMENTS_MAX }, (_, index) => `c${index}`) }),
  ]
  for (const each of drafts) {
    t.same(checkDraft(each, false), { rows: {} })
    t.doesNotThrow(() => checkGrantRequest(toKeyRequest(each)), JSON.stringify(toKeyRequest(each)))
  }
})

t.test('what the server would refuse is said at its field', async (t) => {
  const rows: [field: string, draft: KeyDraft][] = [
    ['keyId', draft({ keyId: '-a' })],
    ['keyId', draft({ keyId: 'a'.repeat(65) })],
    ['description', draft({ description: 'x'.repeat(201) })],
    ['expiry', draft({ expiry: custom('0', 'days') })],
    ['admin', draft({ kind: 'admin', rows: [] })],
    ['permissions', draft({ rows: [] })],
    ['permissions', draft({ rows: [1, 2].map((id) => ({ ...emptyRow(id), isAllCaches: true })) })],
    ['permissions', draft({}, { caches: Array.from({ length: 21 }, (_, index) => `c${index}`) })],
  ]
  for (const [field, each] of rows) {
    const problems = checkDraft(each, false)
    t.ok(Object.keys(problems).includes(field), `${field}: ${JSON.stringify(problems)}`)
    t.ok(hasProblems(problems))
  }
  for (const row of [
    { caches: [] },
    { itemsKind: 'key', itemsText: '' },
    { itemsKind: 'keyPrefix', itemsText: 'x'.repeat(1025) },
  ] as const) {
    t.ok(checkDraft(draft({}, row), false).rows[1], JSON.stringify(row).slice(0, 60))
  }
  t.notOk(checkDraft(draft({}, { itemsKind: 'key', itemsText: 'x'.repeat(1024) }), false).rows[1])
  t.ok(checkDraft(draft(), true).credential)
  t.ok(checkDraft(draft({ credential: 'a b' }), true).credential)
  t.notOk(hasProblems(checkDraft(draft({ credential: ' secret ' }), true)))
})

t.test('a request has only what was chosen', async (t) => {
  t.same(toKeyRequest(draft({ kind: 'super', expiry: custom('1', 'hours') })), {
    superUser: true,
    expiresInSeconds: 3600,
  })
  t.same(toKeyRequest(draft({ keyId: 'a' }, { itemsKind: 'keyPrefix', itemsText: 'p/' })), {
    keyId: 'a',
    permissions: [
      {
        role: 'readwrite',
        caches: ['live-origin'],
        items: { kind: 'keyPrefix', keyPrefix: 'p/' },
      },
    ],
    expiresInSeconds: 2_592_000,
  })
  t.same(toStatements(draft({}, { caches: ['a', 'b'], itemsKind: 'key', itemsText: 'k' })), [
    { role: 'readwrite', cache: 'a', items: 'key k' },
    { role: 'readwrite', cache: 'b', items: 'key k' },
  ])
  t.same(toStatements(draft({ kind: 'super' })), [])
})

t.test('permissions in words', async (t) => {
  t.equal(
    permissionWords({ role: 'readonly', cache: '*', items: 'prefix Movie/' }),
    'Read all caches: keys that begin with “Movie/”',
  )
  t.equal(
    permissionWords({ role: 'writeonly', cache: 'a', items: 'key x y' }),
    'Write a: the key “x y”',
  )
  t.same(allowsWords(key()), ['Read and write live-origin'])
  t.same(allowsWords(key({ superUser: true })), ['Everything, this console too'])
  t.same(allowsWords(key({ permissions: [], admin: ['a', 'b'] })), ['Administer a, b'])
  t.same(allowsWords(key({ permissions: [], admin: '*' })), ['Administer all caches'])
  t.same(allowsWords(key({ permissions: [] })), ['Nothing'])
})

t.test('how long a key is still valid', async (t) => {
  const word = (change: Partial<KeyView>) => keyState(key(change), NOW_MS).word
  const at = (ms: number) => new Date(NOW_MS + ms).toISOString()
  t.equal(word({}), 'Valid')
  t.equal(word({ expiresAt: at(30 * DAY_MS) }), 'Valid')
  t.equal(word({ issuedAt: at(-30 * DAY_MS), expiresAt: at(DAY_MS) }), 'Ends soon')
  t.equal(word({ expiresAt: at(3_600_000) }), 'Valid', 'one of an hour is not in trouble')
  t.equal(word({ expiresAt: at(0) }), 'Expired')
  t.equal(word({ expiresAt: at(-1), revokedAt: at(-2) }), 'Revoked')
  t.ok(keyState(key({ revokedAt: at(0) }), NOW_MS).isOver)
})

t.test('a revocation says what stops', async (t) => {
  const words = (change: Partial<KeyView>) => revokeWords(key(change)).join(' ')
  t.match(words({}), /Encoders .* Players and CDNs .* refresh token .* cannot be undone/)
  const player = [{ role: 'readonly', cache: '*', items: 'all' }] as const
  t.notMatch(words({ permissions: player }), /Encoders/)
  t.match(words({ superUser: true, permissions: [] }), /locked out.*Sessions/)
  t.notMatch(words({ kind: 'imported' }), /refresh token/)
})

t.test('a search finds words anywhere, in any order', async (t) => {
  for (const search of ['', 'STUDIO', 'live encoder', 'made write']) {
    t.ok(matchesSearch(key(), search), search)
  }
  t.notOk(matchesSearch(key(), 'studio movie'))
})

t.test('the file has the four members of the original and no other', async (t) => {
  const keyInfo = { apiKey: 'a', refreshToken: 'r', validUntil: 5, restEndpoint: 'h' }
  const more = { ...keyInfo, keyId: 'x' }
  t.same(JSON.parse(formatKeyInfo(more)), keyInfo)
  t.same(Object.keys(JSON.parse(formatKeyInfo(more)) as object), Object.keys(keyInfo))
})
