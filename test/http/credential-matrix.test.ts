/** Every kind of credential at every place: what was signed for one purpose passes for no other. */

import { CompactSign } from 'jose'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { SigningKeys, TOKEN_PURPOSES } from '../../src/auth/signing-keys.ts'
import type { TokenPurpose } from '../../src/auth/signing-keys.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

/** Statuses of: reading an item, its `?token=`, the admin API, the account API, sign-in, refreshing. */
type Row = readonly [number, number, number, number, number, number]

t.test('each kind at each place', async (t) => {
  const dataDir = t.testdir()
  const origin = await openOrigin(
    t,
    { auth: { devKeys: true, failuresPerSecondMax: 1000, failuresBurst: 1000 } },
    { dataDir },
  )
  const send = async (
    method: string,
    url: string,
    { key, body }: { readonly key?: string; readonly body?: unknown } = {},
  ) =>
    http(url, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const member = async (path: string, name: string, body: unknown, url = origin.adminUrl) => {
    const { text } = await send('POST', `${url}${path}`, { key: origin.keys.superUser, body })
    // The routes' answers are objects.
    return String((JSON.parse(text) as Record<string, unknown>)[name])
  }
  const item = `${origin.dataPlaneUrl}/cache/live-origin/a.ts`
  await send('PUT', item, { key: origin.keys.encoder, body: 'x' })
  const v1 = await origin.mintKey({ superUser: true })
  const revoked = await origin.mintKey({ superUser: true })
  await origin.revokeKey(revoked.keyId)
  const admin = await origin.mintKey({ admin: ['live-origin'] })
  const narrowed = await origin.mintKey({ role: 'readonly', caches: ['other'] })
  const read = { role: 'readonly', caches: ['live-origin'] }
  const disposable = await member('/api/keys/disposable', 'apiKey', {
    ...read,
    expiresInSeconds: 60,
  })
  const play = await member('/api/play-token', 'token', { cache: 'live-origin' })
  const session = await member('/api/sign-in', 'session', { key: v1.apiKey })
  const role = (roleId: string) =>
    member(
      '/api-keys',
      'api_key',
      { role_id: roleId, description: '', expiry: 'never' },
      origin.dataPlaneUrl,
    )
  const secret = Buffer.from((await readFile(join(dataDir, 'signing.key'), 'utf8')).trim())
  const sign = async (type: TokenPurpose, by: TokenPurpose, alg?: string, signer = secret) => {
    const nowSeconds = Math.floor(Date.now() / 1000)
    const claims = {
      ...{ sub: 'headwater', ver: 1, p: Buffer.from('{"s":1}').toString('base64url') },
      ...{ t: 'g', jti: v1.keyId, key: v1.keyId, tid: 'x', by: 'y' },
      ...{ iat: nowSeconds, exp: nowSeconds + 600, dur: 600 },
    }
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({
        alg: alg ?? TOKEN_PURPOSES[by].algorithm,
        typ: TOKEN_PURPOSES[type].type,
      })
      .sign(await new SigningKeys(signer).get(by))
  }
  const rows: [string, string, Row][] = [
    ['a super-user key', v1.apiKey, [200, 200, 200, 200, 200, 401]],
    ['its inner JWT', v1.innerJwt, [200, 200, 200, 200, 200, 401]],
    ['its refresh token', v1.refreshToken, [401, 401, 401, 401, 401, 201]],
    ['a revoked one', revoked.apiKey, [401, 401, 401, 401, 401, 401]],
    ["a revoked one's refresh token", revoked.refreshToken, [401, 401, 401, 401, 401, 401]],
    ['an admin key', admin.apiKey, [403, 403, 200, 403, 200, 401]],
    ['a key of another cache', narrowed.apiKey, [403, 403, 403, 403, 403, 401]],
    ['an encoder', origin.keys.encoder, [200, 200, 403, 403, 403, 401]],
    ['a disposable token', disposable, [200, 200, 403, 403, 403, 401]],
    ['a play token', play, [200, 200, 403, 403, 403, 401]],
    ['a session', session, [401, 401, 200, 401, 401, 401]],
    ['a v2 owner', await role('owner'), [200, 200, 200, 200, 200, 401]],
    ['a v2 operator', await role('operator'), [200, 200, 200, 200, 200, 401]],
    ['a v2 viewer', await role('viewer'), [200, 200, 403, 200, 403, 401]],
    ['the dev super-user', 'dev-super-user', [200, 200, 200, 200, 200, 401]],
    ['a link', new URL(origin.createSignInUrl()).hash.slice(9), [401, 401, 401, 401, 401, 401]],
    ['garbage', 'garbage', [401, 401, 401, 401, 401, 401]],
  ]
  const purposes = Object.keys(TOKEN_PURPOSES) as TokenPurpose[] // The names of the table.
  const nothing: Row = [401, 401, 401, 401, 401, 401]
  for (const type of purposes) {
    for (const by of purposes) {
      // The right key for the type is a token of ours, which the rows above have.
      if (type !== by) rows.push([`${type} by ${by}`, await sign(type, by), nothing])
    }
    const foreign = Buffer.alloc(43, 'x')
    rows.push([`${type}, foreign`, await sign(type, type, undefined, foreign), nothing])
  }
  for (const [name, credential, want] of rows) {
    const answers = [
      await send('GET', item, { key: credential }),
      await send('GET', `${item}?token=${encodeURIComponent(credential)}`),
      await send('GET', `${origin.adminUrl}/api/caches`, { key: `Bearer ${credential}` }),
      await send('GET', `${origin.dataPlaneUrl}/api-keys`, { key: credential }),
      await send('POST', `${origin.adminUrl}/api/sign-in`, { body: { key: credential } }),
      await send('POST', `${origin.adminUrl}/api/keys/refresh`, {
        body: { refreshToken: credential },
      }),
    ]
    t.strictSame(
      answers.map(({ status }) => status),
      want,
      name,
    )
    if (credential.length < 20) continue
    for (const { text, status } of answers) {
      if (status >= 400) t.notOk(text.includes(credential), `${name}: not repeated`)
    }
  }
})
