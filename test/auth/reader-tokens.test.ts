import t from 'tap'
import { Authenticator } from '../../src/auth/authenticator.ts'
import { canWrite } from '../../src/auth/grant.ts'
import { KeyRegistry } from '../../src/auth/key-registry.ts'
import { KeyService } from '../../src/auth/key-service.ts'
import { READER_TOKEN_SECONDS, ReaderTokens } from '../../src/auth/reader-tokens.ts'
import { ManualClock } from '../support/manual-clock.ts'

async function open() {
  const clock = new ManualClock()
  const secret = Buffer.alloc(32, 7)
  const keys = await KeyRegistry.open({
    records: { read: async () => undefined, write: async () => undefined },
    clock,
  })
  const service = new KeyService({ secret, keys, clock, publicUrl: () => 'http://localhost:8080' })
  const authenticator = new Authenticator({
    secret,
    keys,
    clock,
    devKeys: false,
    failuresPerSecondMax: 10,
    failuresBurst: 10,
  })
  const verify = async (credential: string) => {
    const verified = await authenticator.verify(credential, '192.0.2.1')
    return verified.kind === 'granted' ? verified.grant : verified.reason
  }
  return { clock, service, verify, tokens: new ReaderTokens({ secret, clock }) }
}

t.test('a key that cannot write is its own reader token', async (t) => {
  const { service, verify, tokens } = await open()
  const { apiKey } = await service.mint({ role: 'readonly', caches: ['a'] })
  const grant = await verify(apiKey)
  if (typeof grant === 'string') throw new TypeError(grant)
  t.equal(await tokens.forReading(apiKey, grant), apiKey)
})

t.test('a key that can write gets a twin that cannot, in the same scope', async (t) => {
  const { service, verify, tokens, clock } = await open()
  const minted = await service.mint({
    role: 'readwrite',
    caches: ['a'],
    items: { kind: 'keyPrefix', keyPrefix: 'x/' },
  })
  const grant = await verify(minted.apiKey)
  if (typeof grant === 'string') throw new TypeError(grant)
  const token = (await tokens.forReading(minted.apiKey, grant)) ?? ''
  t.not(token, minted.apiKey)
  t.notOk(minted.apiKey.includes(token))
  const twin = await verify(token)
  if (typeof twin === 'string') throw new TypeError(twin)
  t.notOk(canWrite(twin))
  t.same(twin.permissions, [
    { role: 'readonly', cacheName: 'a', items: { kind: 'prefix', prefix: 'x/' } },
  ])
  t.equal(await tokens.forReading(minted.apiKey, grant), token, 'the same one for everybody')
  clock.advance((READER_TOKEN_SECONDS - 3600) * 1000)
  t.not(await tokens.forReading(minted.apiKey, grant), token, 'renewed in time')
  clock.advance(3600 * 1000)
  t.equal(await verify(token), 'expired')
})

t.test('revoking the key revokes its twin', async (t) => {
  const { service, verify, tokens } = await open()
  const minted = await service.mint({ superUser: true })
  const grant = await verify(minted.apiKey)
  if (typeof grant === 'string') throw new TypeError(grant)
  const token = (await tokens.forReading(minted.apiKey, grant)) ?? ''
  t.type(await verify(token), 'object')
  await service.revoke(minted.keyId)
  t.equal(await verify(token), 'revoked')
})

t.test('a twin never outlives its key, and a key that only writes has none', async (t) => {
  const { service, verify, tokens } = await open()
  const short = await service.mint({ role: 'readwrite', caches: '*', expiresInSeconds: 60 })
  const grant = await verify(short.apiKey)
  if (typeof grant === 'string') throw new TypeError(grant)
  const twin = await verify((await tokens.forReading(short.apiKey, grant)) ?? '')
  if (typeof twin === 'string') throw new TypeError(twin)
  t.equal(twin.expiresAtMs, grant.expiresAtMs)
  const writer = await service.mint({ role: 'writeonly', caches: '*' })
  const writing = await verify(writer.apiKey)
  if (typeof writing === 'string') throw new TypeError(writing)
  t.equal(await tokens.forReading(writer.apiKey, writing), undefined)
})
