import t from 'tap'
import { SECRET_BYTES_MIN, SigningKeys, TOKEN_PURPOSES } from '../../src/auth/signing-keys.ts'
import type { TokenPurpose } from '../../src/auth/signing-keys.ts'
import {
  claimsWithoutTrust,
  isTokenFor,
  openToken,
  signToken,
} from '../../src/auth/signed-token.ts'
import { OTHER_SECRET, SECRET, forge } from './support.ts'

const purposes = Object.keys(TOKEN_PURPOSES) as TokenPurpose[]
const keys = new SigningKeys(SECRET)

t.test('a secret has at least 32 bytes', async (t) => {
  t.ok(new SigningKeys(new Uint8Array(SECRET_BYTES_MIN)))
  t.throws(() => new SigningKeys(new Uint8Array(SECRET_BYTES_MIN - 1)), {
    code: 'HW_AUTH_SIGNING_KEY',
  })
})

t.test('a key is derived once and cannot be taken out', async (t) => {
  t.equal(keys.get('data'), keys.get('data'))
  t.equal((await keys.get('data')).extractable, false)
})

t.test('a secret that changes later changes no key', async (t) => {
  const secret = Uint8Array.from(SECRET)
  const held = new SigningKeys(secret)
  secret.fill(0)
  t.match(await openToken(keys, 'data', await signToken(held, 'data', { a: 1 })), { a: 1 })
})

t.test('a token opens for its purpose and for no other', async (t) => {
  for (const made of purposes) {
    const token = await signToken(keys, made, { jti: 'x' })
    for (const opened of purposes) {
      const claims = await openToken(keys, opened, token)
      t.strictSame(claims, made === opened ? { jti: 'x' } : undefined, `${made} as ${opened}`)
    }
  }
})

t.test('every purpose has its own key, not just its own header', async (t) => {
  const claims = { jti: 'x' }
  const tokens = new Set<string>()
  for (const purpose of purposes.filter((name) => TOKEN_PURPOSES[name].algorithm === 'HS256')) {
    tokens.add(await forge({ alg: 'HS256', typ: 'hw+jwt' }, claims, purpose))
  }
  t.equal(tokens.size, 4)
  let opened = 0
  for (const token of tokens) {
    if ((await openToken(keys, 'data', token)) !== undefined) opened++
  }
  t.equal(opened, 1)
})

t.test('another secret, a changed claim or a changed signature opens nothing', async (t) => {
  const token = await signToken(keys, 'data', { jti: 'x' })
  const [header, , signature] = token.split('.')
  const payload = Buffer.from('{"jti":"y"}').toString('base64url')
  t.equal(await openToken(new SigningKeys(OTHER_SECRET), 'data', token), undefined)
  t.equal(await openToken(keys, 'data', `${header}.${payload}.${signature}`), undefined)
  t.equal(await openToken(keys, 'data', `${token.slice(0, -8)}AAAAAAAA`), undefined)
  t.equal(await openToken(keys, 'data', `${token}AA`), undefined)
})

t.test('only the exact header and the shape of a JWT are looked at', async (t) => {
  const token = await signToken(keys, 'data', {})
  t.equal(isTokenFor('data', token), true)
  t.equal(isTokenFor('refresh', token), false)
  for (const text of ['', `${token}.x`, `${token} `, token.replace(/\.[^.]*$/, '.')]) {
    t.equal(isTokenFor('data', text), false)
  }
  const more = await forge({ alg: 'HS256', typ: 'hw+jwt', kid: '1' }, {})
  t.equal(isTokenFor('data', more), false)
})

t.test('signed claims that are no JSON object open nothing', async (t) => {
  t.equal(
    await openToken(keys, 'data', await forge({ alg: 'HS256', typ: 'hw+jwt' }, [1])),
    undefined,
  )
  t.equal(claimsWithoutTrust('a.b.c'), undefined)
  t.equal(claimsWithoutTrust('garbage'), undefined)
})
