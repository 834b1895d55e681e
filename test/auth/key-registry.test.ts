import t from 'tap'
import {
  EXPIRED_RECORD_KEPT_MS,
  KEYS_MAX,
  KeyRegistry,
  hashCredential,
} from '../../src/auth/key-registry.ts'
import type { StoredKeyRecord } from '../../src/auth/key-record.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryRecords } from './support.ts'

const clock = new ManualClock()

function record(keyId: string, more: Partial<StoredKeyRecord> = {}): StoredKeyRecord {
  return {
    keyId,
    description: '',
    kind: 'minted',
    superUser: false,
    permissions: [{ role: 'readonly', cacheName: '*', items: { kind: 'all' } }],
    admin: undefined,
    issuedAtMs: clock.nowMs(),
    expiresAtMs: undefined,
    revokedAtMs: undefined,
    credentialSha256: [],
    ...more,
  }
}

const imported = (keyId: string, credential: string, more: Partial<StoredKeyRecord> = {}) =>
  record(keyId, { kind: 'imported', credentialSha256: [hashCredential(credential)], ...more })

t.test('keys are added, listed, shown, and there after reopening', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  t.strictSame(keys.list(), [])
  t.equal(records.writeCount, 0, 'opening writes nothing')
  const admin = { cacheNames: '*' } as const
  await keys.add(record('one', { expiresAtMs: clock.nowMs() + 1000, admin }))
  await keys.add(imported('two', 'a secret of old'))
  const reopened = await KeyRegistry.open({ records, clock })
  for (const registry of [keys, reopened]) {
    t.strictSame(
      registry.list().map(({ keyId }) => keyId),
      ['one', 'two'],
    )
    t.match(registry.get('one'), { keyId: 'one', admin, revokedAtMs: undefined })
    t.equal(registry.get('three'), undefined)
    t.equal(registry.has('two'), true)
    t.equal(registry.findImported('a secret of old')?.keyId, 'two')
    t.equal(registry.findImported('a secret of new'), undefined)
  }
  t.strictSame(reopened.list(), keys.list())
})

t.test('neither lists nor the document hold a credential, lists not even a hash', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  await keys.add(imported('one', 'a secret of old'))
  t.notMatch(records.text, 'a secret of old')
  const shown = JSON.stringify([keys.list(), keys.get('one')])
  t.notMatch(shown, hashCredential('a secret of old'))
  t.notMatch(shown, 'credentialSha256')
})

t.test('revoking moves the epoch, holds at once and after reopening', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  await keys.add(record('one'))
  const { epoch, version } = keys
  const revoked = keys.revoke('one')
  t.equal(keys.isRevoked('one'), true, 'before it is written')
  t.equal(keys.epoch, epoch + 1)
  t.equal(keys.version, version + 1)
  t.equal((await revoked).revokedAtMs, clock.nowMs())
  t.equal((await KeyRegistry.open({ records, clock })).isRevoked('one'), true)
  const { writeCount } = records
  await keys.revoke('one')
  t.equal(keys.epoch, epoch + 1, 'a second time changes nothing')
  t.equal(records.writeCount, writeCount)
})

t.test('an unknown id cannot be revoked, and is not repeated', async (t) => {
  const keys = await KeyRegistry.open({ records: new MemoryRecords(), clock })
  await t.rejects(keys.revoke('a-pasted-secret'), { code: 'HW_KEY_NOT_FOUND' })
  await keys.revoke('a-pasted-secret').catch((error) => t.notMatch(String(error), 'pasted'))
})

t.test('an id and a credential are there once', async (t) => {
  const keys = await KeyRegistry.open({ records: new MemoryRecords(), clock })
  await keys.add(imported('one', 'secret-1'))
  await t.rejects(keys.add(record('one')), { code: 'HW_KEY_EXISTS' })
  await t.rejects(keys.add(imported('two', 'secret-1')), { code: 'HW_KEY_EXISTS' })
  await keys.revoke('one')
  await t.rejects(keys.add(imported('two', 'secret-1')), /revoked/)
  t.equal(keys.list().length, 1)
})

t.test('many at once are all written, one after the other', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, index) => keys.add(record(`k${index}`))),
    keys.add(record('k0')),
  ])
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 1)
  const revocations = [keys.revoke('k3'), keys.revoke('k4'), keys.add(record('last'))]
  await Promise.all(revocations)
  const reopened = await KeyRegistry.open({ records, clock })
  t.equal(reopened.list().length, 21)
  t.equal(reopened.isRevoked('k3') && reopened.isRevoked('k4'), true)
})

t.test('a key that cannot be written is not added; the next one is', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  records.failure = new Error('disk full')
  await t.rejects(keys.add(imported('one', 'secret-1')), /disk full/)
  t.equal(keys.has('one'), false)
  t.equal(keys.findImported('secret-1'), undefined)
  records.failure = undefined
  await keys.add(imported('one', 'secret-1'))
  t.equal((await KeyRegistry.open({ records, clock })).has('one'), true)
})

t.test('a revocation that cannot be written holds, is told, and is written later', async (t) => {
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock })
  await keys.add(record('one'))
  records.failure = new Error('disk full')
  await t.rejects(keys.revoke('one'), /disk full/)
  await t.rejects(keys.revoke('one'), /disk full/, 'and again')
  t.equal(keys.isRevoked('one'), true)
  records.failure = undefined
  await keys.revoke('one')
  t.equal((await KeyRegistry.open({ records, clock })).isRevoked('one'), true)
})

t.test('a revoked record is kept until its expiry and a while longer', async (t) => {
  const ownClock = new ManualClock()
  const records = new MemoryRecords()
  const keys = await KeyRegistry.open({ records, clock: ownClock })
  const expiresAtMs = ownClock.nowMs() + 1000
  await keys.add(imported('short', 'secret-1', { expiresAtMs }))
  await keys.add(record('forever'))
  await keys.revoke('short')
  await keys.revoke('forever')
  ownClock.advance(1000 + EXPIRED_RECORD_KEPT_MS - 1)
  await keys.add(record('a'))
  t.equal(keys.isRevoked('short'), true)
  ownClock.advance(1)
  await keys.add(record('b'))
  t.equal(keys.has('short'), false)
  t.equal(keys.findImported('secret-1'), undefined)
  t.equal(keys.isRevoked('forever'), true)
  const reopened = await KeyRegistry.open({ records, clock: ownClock })
  t.strictSame(
    reopened.list().map(({ keyId }) => keyId),
    ['forever', 'a', 'b'],
  )
})

t.test('the number of keys is bounded', async (t) => {
  const records = new MemoryRecords()
  const many = Array.from({ length: KEYS_MAX - 1 }, (_, index) => record(`k${index}`))
  records.text = JSON.stringify({ version: 1, keys: many })
  const keys = await KeyRegistry.open({ records, clock })
  await keys.add(record('last'))
  await t.rejects(keys.add(record('over')), { code: 'HW_KEY_INVALID' })
})

t.test('a corrupt document is refused, names the record and is left alone', async (t) => {
  const good = JSON.parse(JSON.stringify(imported('good', 'x'))) as Record<string, unknown>
  const hash = hashCredential('y')
  const cases: readonly [string, unknown, RegExp][] = [
    ['text', 'x', /not a key document/],
    ['null', null, /not a key document/],
    ['no version', { keys: [] }, /not a key document/],
    ['a later version', { version: 2, keys: [] }, /another version/],
    ['no keys', { version: 1 }, /no list "keys"/],
    ['no object', { version: 1, keys: [good, 7] }, /record 1 is not valid/],
    ['no id', { version: 1, keys: [{ ...good, keyId: undefined }] }, /record 0 /],
    ['a bad id', { version: 1, keys: [{ ...good, keyId: 'a b' }] }, /record 0 is .*\/keyId/],
    ['unknown member', { version: 1, keys: [{ ...good, more: 1 }] }, /record 0 \(key id good\)/],
    ['time', { version: 1, keys: [{ ...good, expiresAtMs: -1 }] }, /\/expiresAtMs/],
    ['null time', { version: 1, keys: [{ ...good, revokedAtMs: null }] }, /\/revokedAtMs/],
    ['super user', { version: 1, keys: [{ ...good, superUser: 'yes' }] }, /\/superUser/],
    ['hash', { version: 1, keys: [{ ...good, credentialSha256: ['z'] }] }, /\/credentialSha256\/0/],
    ['no hash', { version: 1, keys: [{ ...good, credentialSha256: [] }] }, /\/credentialSha256/],
    ['minted, hash', { version: 1, keys: [{ ...good, kind: 'minted' }] }, /\/credentialSha256/],
    ['twice the id', { version: 1, keys: [good, { ...good, credentialSha256: [hash] }] }, /twice/],
    ['twice the hash', { version: 1, keys: [good, { ...good, keyId: 'b' }] }, /record 1 .*twice/],
    [
      'role',
      {
        version: 1,
        keys: [{ ...good, permissions: [{ role: 'god', cacheName: '*', items: { kind: 'all' } }] }],
      },
      /\/permissions\/0\/role/,
    ],
    [
      'item',
      {
        version: 1,
        keys: [
          {
            ...good,
            permissions: [
              { role: 'readonly', cacheName: 'a/b', items: { kind: 'key', key: '\u0100' } },
            ],
          },
        ],
      },
      /\/permissions\/0\//,
    ],
  ]
  for (const [name, document, message] of cases) {
    const records = new MemoryRecords()
    records.text = JSON.stringify(document)
    await t.rejects(
      KeyRegistry.open({ records, clock }),
      { code: 'HW_DATA_DIR_CORRUPT', message },
      name,
    )
    t.equal(records.writeCount, 0)
  }
})

t.test('what reading throws is thrown', async (t) => {
  const records = new MemoryRecords()
  records.text = '{'
  await t.rejects(KeyRegistry.open({ records, clock }), SyntaxError)
})
