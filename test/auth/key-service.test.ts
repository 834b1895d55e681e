import { inspect } from 'node:util'
import t from 'tap'
import { WRAPPER_PREFIX, wrapCredential } from '../../src/auth/credential.ts'
import { EXPIRY_SECONDS_MAX, STATEMENTS_MAX } from '../../src/auth/key-request.ts'
import {
  API_KEY_CHARS_MAX,
  IMPORTED_CHARS_MAX,
  KeyService,
  VALID_FOREVER,
  toKeyInfo,
} from '../../src/auth/key-service.ts'
import type { MintRequest } from '../../src/auth/key-service.ts'
import { claimsWithoutTrust } from '../../src/auth/signed-token.ts'
import { CLIENT, SECRET, forge, openAuth } from './support.ts'

const PLAYER: MintRequest = { role: 'readonly', caches: ['live'] }

t.test('a minted key has the members of momento_key_info.json', async (t) => {
  const { service, clock } = await openAuth()
  const minted = await service.mint({ ...PLAYER, keyId: 'player', expiresInSeconds: 3600 })
  const info = toKeyInfo(minted)
  t.strictSame(Object.keys(info), ['apiKey', 'refreshToken', 'validUntil', 'restEndpoint'])
  t.ok(info.apiKey.startsWith(WRAPPER_PREFIX))
  t.equal(info.validUntil, clock.nowMs() / 1000 + 3600)
  t.equal(info.restEndpoint, 'http://localhost:8080')
  t.match(info.refreshToken, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  const wrapper: unknown = JSON.parse(Buffer.from(info.apiKey, 'base64').toString())
  t.strictSame(wrapper, { endpoint: 'localhost:8080', api_key: minted.innerJwt })
})

t.test('the inner JWT has the claims of a v1 key', async (t) => {
  const { service, clock } = await openAuth()
  const { innerJwt, keyId } = await service.mint({ ...PLAYER, expiresInSeconds: 60 })
  const nowSeconds = clock.nowMs() / 1000
  t.match(keyId, /^key-[0-9a-f]{16}$/)
  const claims = claimsWithoutTrust(innerJwt) ?? {}
  t.strictSame(Object.keys(claims), ['sub', 'ver', 'p', 'jti', 'iat', 'exp'])
  t.match(claims, { ver: 1, jti: keyId, iat: nowSeconds, exp: nowSeconds + 60 })
  const permissions = Buffer.from(String(claims['p']), 'base64url').toString()
  t.equal(permissions, '{"c":[["r","live"]]}')
})

t.test('a key without an expiry is valid to the last second of the year 9999', async (t) => {
  const { service } = await openAuth()
  const minted = await service.mint(PLAYER)
  t.equal(minted.validUntil, VALID_FOREVER)
  t.equal(new Date(VALID_FOREVER * 1000).toISOString(), '9999-12-31T23:59:59.000Z')
  t.equal(minted.record.expiresAtMs, undefined)
  t.equal('exp' in (claimsWithoutTrust(minted.innerJwt) ?? {}), false)
})

t.test('a second is at least a second, whenever it starts', async (t) => {
  const { service, clock, authenticator } = await openAuth()
  clock.advance(900)
  const { apiKey } = await service.mint({ ...PLAYER, expiresInSeconds: 1 })
  clock.advance(1099)
  t.match(await authenticator.verify(apiKey, CLIENT), { kind: 'granted' })
  clock.advance(1)
  t.match(await authenticator.verify(apiKey, CLIENT), { reason: 'expired' })
})

t.test('the endpoint is that of the public URL when the key is made', async (t) => {
  const { keys, clock } = await openAuth()
  let publicUrl = 'https://origin.example/live//'
  const service = new KeyService({ secret: SECRET, keys, clock, publicUrl: () => publicUrl })
  const first = await service.mint(PLAYER)
  t.equal(first.restEndpoint, 'https://origin.example/live')
  t.match(JSON.parse(Buffer.from(first.apiKey, 'base64').toString()), {
    endpoint: 'origin.example',
  })
  publicUrl = 'http://[::1]:9000'
  t.equal((await service.mint(PLAYER)).restEndpoint, 'http://[::1]:9000')
})

t.test('many keys: no + or / in any, and each is accepted in both forms', async (t) => {
  const { service, authenticator } = await openAuth()
  let wrong = 0
  for (let index = 0; index < 200; index++) {
    const { apiKey, innerJwt } = await service.mint({
      role: 'readwrite',
      caches: [`cache-${index}`],
      items: { kind: 'keyPrefix', keyPrefix: `/Film?~>${'ü'.repeat(index % 7)}/` },
    })
    if (/[+/]/.test(apiKey)) wrong++
    for (const form of [apiKey, innerJwt]) {
      if ((await authenticator.verify(form, CLIENT)).kind !== 'granted') wrong++
    }
  }
  t.equal(wrong, 0)
})

t.test('a grant comes back as it was asked for', async (t) => {
  const { service, authenticator } = await openAuth()
  const minted = await service.mint({
    role: 'readwrite',
    caches: ['live', '*'],
    items: { kind: 'key', key: 'ü' },
    permissions: [{ role: 'readonly', caches: ['vod'] }],
    admin: ['live'],
    description: 'encoder 1',
  })
  const permissions = [
    { role: 'readwrite', cacheName: 'live', items: { kind: 'key', key: '\u00c3\u00bc' } },
    { role: 'readwrite', cacheName: '*', items: { kind: 'key', key: '\u00c3\u00bc' } },
    { role: 'readonly', cacheName: 'vod', items: { kind: 'all' } },
  ]
  const admin = { cacheNames: ['live'] }
  t.match(minted.record, { description: 'encoder 1', kind: 'minted', permissions, admin })
  const verified = await authenticator.verify(minted.apiKey, CLIENT)
  t.strictSame(verified, {
    kind: 'granted',
    grant: { keyId: minted.keyId, superUser: false, permissions, admin, expiresAtMs: undefined },
  })
  const superUser = await service.mint({ superUser: true })
  const all = await authenticator.verify(superUser.innerJwt, CLIENT)
  t.match(all, { grant: { superUser: true, permissions: [] } })
})

t.test('a request that cannot be granted is refused with its reasons', async (t) => {
  const { service, keys } = await openAuth()
  const items = { kind: 'key', key: 'x' } as const
  const cases: readonly [string, MintRequest, RegExp][] = [
    ['nothing', {}, /allow nothing/],
    ['an empty list', { permissions: [] }, /allow nothing/],
    ['no caches', { role: 'readonly' }, /for no cache/],
    ['an empty list of caches', { role: 'readonly', caches: [] }, /list of caches is empty/],
    ['no role', { caches: '*' }, /no role/],
    ['items alone', { items, superUser: true }, /for no cache/],
    ['a wrong role', { role: 'god' as 'readonly', caches: '*' }, /a role is/],
    ['a wrong cache', { role: 'readonly', caches: ['a/b'] }, /a cache name is/],
    ['a cache twice', { role: 'readonly', caches: ['a', 'a'] }, /"a" is there twice/],
    [
      'a conflict',
      { ...PLAYER, permissions: [{ role: 'readwrite', caches: ['live'] }] },
      /"live" has the roles readonly and readwrite/,
    ],
    ['super user and a role', { ...PLAYER, superUser: true }, /allows everything/],
    ['super user and admin', { superUser: true, admin: '*' }, /allows everything/],
    ['a wrong admin', { admin: ['a/b'] }, /a cache name is/],
    ['* in a list of admin', { admin: ['*'] }, /admin is/],
    ['an empty key', { ...PLAYER, items: { kind: 'key', key: '' } }, /a key is 1 to 1024/],
    ['a long key', { ...PLAYER, items: { kind: 'key', key: 'x'.repeat(1025) } }, /a key is/],
    ['an empty prefix', { ...PLAYER, items: { kind: 'keyPrefix', keyPrefix: '' } }, /a key prefix/],
    ['an id with a space', { ...PLAYER, keyId: 'a b' }, /a key id is/],
    ['an id of 65', { ...PLAYER, keyId: 'x'.repeat(65) }, /a key id is/],
    ["a dev key's id", { ...PLAYER, keyId: 'dev-player' }, /id of a dev key/],
    ['a description of 201', { ...PLAYER, description: 'x'.repeat(201) }, /a description is/],
    ['two lines', { ...PLAYER, description: 'a\nb' }, /a description is/],
    ['no time', { ...PLAYER, expiresInSeconds: 0 }, /must expire in/],
    ['half a second', { ...PLAYER, expiresInSeconds: 1.5 }, /must expire in/],
    ['too long', { ...PLAYER, expiresInSeconds: EXPIRY_SECONDS_MAX + 1 }, /must expire in/],
    ['two problems', { keyId: '', role: 'readonly', caches: [] }, /key id.*; .*empty/],
  ]
  for (const [name, request, message] of cases) {
    await t.rejects(service.mint(request), { code: 'HW_KEY_INVALID', message }, name)
  }
  t.strictSame(keys.list(), [])
})

t.test('at the bounds a key is made', async (t) => {
  const { service } = await openAuth()
  const caches = Array.from({ length: STATEMENTS_MAX }, (_, index) => `c${index}`)
  await service.mint({ role: 'readwrite', caches })
  await t.rejects(service.mint({ role: 'readwrite', caches: [...caches, 'c'] }), /20 are the most/)
  const at = { keyId: 'x'.repeat(64), description: 'x'.repeat(200) }
  await service.mint({ ...PLAYER, ...at, expiresInSeconds: EXPIRY_SECONDS_MAX })
  await service.mint({ ...PLAYER, expiresInSeconds: 1 })
  await service.mint({ admin: ['live'] })
})

t.test('a key over 1,700 chars is refused with the reason', async (t) => {
  const { service, keys } = await openAuth()
  const mint = (length: number) =>
    service.mint({ ...PLAYER, items: { kind: 'keyPrefix', keyPrefix: 'x'.repeat(length) } })
  let longest = 0
  let refusal: unknown
  for (let length = 400; refusal === undefined; length++) {
    try {
      longest = (await mint(length)).apiKey.length
    } catch (error) {
      refusal = error
    }
  }
  t.ok(longest > API_KEY_CHARS_MAX - 12 && longest <= API_KEY_CHARS_MAX, `${longest}`)
  t.match(refusal, { code: 'HW_KEY_INVALID', message: /1700 are the most/, detail: /CloudFront/ })
  const count = keys.list().length
  await t.rejects(mint(1024), { code: 'HW_KEY_INVALID' })
  t.equal(keys.list().length, count, 'and not registered')
})

t.test('an id is used once', async (t) => {
  const { service } = await openAuth()
  await service.mint({ ...PLAYER, keyId: 'one' })
  await t.rejects(service.mint({ ...PLAYER, keyId: 'one' }), { code: 'HW_KEY_EXISTS' })
  const request = { ...PLAYER, keyId: 'one', credential: 'a secret of old' }
  await t.rejects(service.import(request), { code: 'HW_KEY_EXISTS' })
})

t.test('keys are listed and shown without any credential', async (t) => {
  const { service, records } = await openAuth()
  const minted = await service.mint({ ...PLAYER, keyId: 'one' })
  const credential = 'a secret of old'
  await service.import({ ...PLAYER, keyId: 'two', credential })
  const shown = JSON.stringify([service.list(), service.show('one'), service.show('two')])
  const secrets = [minted.apiKey, minted.innerJwt, minted.refreshToken, credential]
  for (const text of [shown, records.text ?? '', JSON.stringify(minted.record)]) {
    for (const secret of secrets) t.equal(text.includes(secret), false)
    t.notMatch(text, minted.innerJwt.split('.')[2] ?? '')
  }
  t.throws(() => service.show('a-pasted-secret'), { code: 'HW_KEY_NOT_FOUND' })
  t.equal((await service.revoke('one')).keyId, 'one')
  t.type(service.show('one').revokedAtMs, 'number')
  await t.rejects(service.revoke('three'), { code: 'HW_KEY_NOT_FOUND' })
})

t.test('an imported credential authenticates; a wrapper in both its forms', async (t) => {
  const { service, authenticator } = await openAuth()
  const foreign = await forge({ alg: 'HS256' }, { sub: 'somebody', ver: 1 })
  const wrapper = wrapCredential('cell-1.prod.a.momentohq.com', foreign)
  const record = await service.import({ ...PLAYER, keyId: 'momento', credential: wrapper })
  t.match(record, { keyId: 'momento', kind: 'imported' })
  t.notMatch(JSON.stringify(record), /[0-9a-f]{64}/)
  for (const form of [wrapper, wrapper.replace(/=+$/, ''), foreign]) {
    t.match(await authenticator.verify(form, CLIENT), { grant: { keyId: 'momento' } })
  }
  const bare = await forge({ alg: 'HS256' }, { sub: 'somebody else', ver: 1 })
  await service.import({ ...PLAYER, keyId: 'bare', credential: bare })
  for (const form of [wrapCredential('x', bare), bare]) {
    t.match(await authenticator.verify(form, CLIENT), { grant: { keyId: 'bare' } })
  }
})

t.test('an unreadable wrapper is imported as the text it is', async (t) => {
  const { service, authenticator } = await openAuth()
  const credential = `${WRAPPER_PREFIX}!!`
  await service.import({ ...PLAYER, keyId: 'odd', credential })
  t.match(await authenticator.verify(credential, CLIENT), { grant: { keyId: 'odd' } })
})

t.test('an imported credential has 8 to 4,096 chars', async (t) => {
  const { service, authenticator } = await openAuth()
  for (const length of [8, IMPORTED_CHARS_MAX]) {
    const credential = 'x'.repeat(length)
    await service.import({ ...PLAYER, credential })
    t.match(await authenticator.verify(credential, CLIENT), { kind: 'granted' })
  }
  for (const length of [0, 7, IMPORTED_CHARS_MAX + 1]) {
    const credential = 'y'.repeat(length)
    await t.rejects(service.import({ ...PLAYER, credential }), { code: 'HW_KEY_INVALID' })
  }
})

t.test('what cannot be imported is refused without repeating it', async (t) => {
  const { service, keys } = await openAuth()
  const { apiKey, innerJwt, refreshToken } = await service.mint({ ...PLAYER, keyId: 'ours' })
  await service.import({ ...PLAYER, keyId: 'old', credential: 'a secret of old' })
  const jwt = await forge({ alg: 'HS256' }, { sub: 'wrapped' })
  await service.import({ ...PLAYER, keyId: 'jwt', credential: jwt })
  await service.revoke('jwt')
  const count = keys.list().length
  const cases: readonly [string, string, string][] = [
    ['known', 'a secret of old', 'HW_KEY_EXISTS'],
    ['known, wrapped, revoked', wrapCredential('x', jwt), 'HW_KEY_EXISTS'],
    ['our wrapper', apiKey, 'HW_KEY_EXISTS'],
    ['our wrapper, unpadded', apiKey.replace(/=+$/, ''), 'HW_KEY_EXISTS'],
    ['our JWT', innerJwt, 'HW_KEY_EXISTS'],
    ['our refresh token', refreshToken, 'HW_KEY_EXISTS'],
    ['a dev key', 'dev-encoder', 'HW_KEY_INVALID'],
    ['a dev key in a wrapper', wrapCredential('x', 'dev-encoder'), 'HW_KEY_INVALID'],
    ['a short one in a wrapper', wrapCredential('x', 'short'), 'HW_KEY_INVALID'],
    ['with its scheme', 'Bearer something', 'HW_KEY_INVALID'],
    ['not ASCII', 'clé-secrète', 'HW_KEY_INVALID'],
    ['spaces around', ' something', 'HW_KEY_INVALID'],
    ['two lines', 'something\nelse', 'HW_KEY_INVALID'],
  ]
  for (const [name, credential, code] of cases) {
    const error: unknown = await service
      .import({ ...PLAYER, credential })
      .catch((thrown: unknown) => thrown)
    t.match(error, { code }, name)
    t.equal(inspect(error).includes(credential), false, name)
  }
  const twice = { ...PLAYER, credential: 'a-secret', description: 'it is a-secret' }
  await t.rejects(service.import(twice), { code: 'HW_KEY_INVALID', message: /credential itself/ })
  await t.rejects(service.import({ credential: 'a secret' }), /allow nothing/)
  t.equal(keys.list().length, count)
})
