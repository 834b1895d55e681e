import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createLogger } from '../../src/base/log.ts'
import { http } from '../support/http.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../support/origin.ts'

/** A text of the request in which a credential may come, wanted or not. */
interface Place {
  readonly target: string
  readonly headers: Record<string, string>
}

const PLACES: readonly ((credential: string) => Place)[] = [
  (credential) => ({ target: `/a.ts?token=${encodeURIComponent(credential)}`, headers: {} }),
  (credential) => ({ target: `/a.ts?token=${credential}`, headers: {} }),
  (credential) => ({ target: `/a.ts?x=1&api_key=${credential}`, headers: {} }),
  (credential) => ({ target: '/a.ts', headers: { authorization: credential } }),
  (credential) => ({ target: '/a.ts', headers: { authorization: `Bearer ${credential}` } }),
  (credential) => ({ target: '/a.ts', headers: { authorization: basicAuthorization(credential) } }),
  // The credential and its repetition, in a key, twice encoded, and in every text of the client.
  (credential) => ({ target: `/${encodeURIComponent(credential)}/a.ts`, headers: {} }),
  (credential) => ({
    target: `/${encodeURIComponent(encodeURIComponent(`?token=${credential}`))}`,
    headers: { authorization: credential },
  }),
  (credential) => ({ target: `/a%3Ftoken%3D${encodeURIComponent(credential)}.ts`, headers: {} }),
  (credential) => ({
    target: `?key=${encodeURIComponent(`token-${credential}`)}&ttl_seconds=9`,
    headers: { authorization: credential },
  }),
  (credential) => ({
    target: '/a.ts',
    headers: { authorization: credential, 'user-agent': `player ${credential}` },
  }),
  (credential) => ({
    target: '/a.ts',
    headers: {
      authorization: `Bearer ${credential}`,
      'user-agent': `x ${basicAuthorization(credential)}`,
      referer: `https://site.example/?token=${credential}`,
      cookie: `token=${credential}`,
      'x-forwarded-for': credential,
      'x-request-id': credential.slice(0, 120),
      'x-amz-cf-id': credential.slice(0, 120),
    },
  }),
  (credential) => ({
    target: `/a.ts?CMCD=${encodeURIComponent(`sid="${credential}",nor="b.ts?token=${credential}"`)}`,
    headers: {
      authorization: credential,
      'cmcd-session': `cid="${credential}"`,
      'cmcd-request': `nor="${encodeURIComponent(`b.ts?token=${credential}`)}"`,
    },
  }),
]

t.test(
  'no form of a credential, wherever it comes, is in a log, in the recent requests, metrics or events',
  async (t) => {
    const path = join(t.testdir(), 'access.log')
    const logged: string[] = []
    const origin = await openOrigin(
      t,
      { accessLog: { path, sample: 1 }, caches: { defaults: { holdSecondsMax: 0 } } },
      { log: createLogger('trace', { write: (line: string) => logged.push(line) }) },
    )
    const imported = 'an-opaque-secret.of~an+encoder'
    const foreign = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmb3JlaWduIn0.c2lnbmF0dXJlLW9mLW5vYm9keQ'
    const credentials = [
      origin.keys.encoder,
      innerJwt(origin.keys.encoder),
      origin.keys.player,
      imported,
      foreign,
    ]
    const told: string[] = []
    origin.events.on('write-refused', (refusal) => told.push(JSON.stringify(refusal)))
    const stream = new AbortController()
    const streamed = readStream(`${origin.adminUrl}/api/events`, origin.keys.superUser, stream)
    let requestCount = 0
    for (const credential of credentials) {
      for (const place of PLACES) {
        for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND']) {
          const { target, headers } = place(credential)
          // An imported secret with no header beside it is a key's name like any other.
          const isNameAlone = credential === imported && headers['authorization'] === undefined
          if (isNameAlone && !target.includes('token=')) continue
          requestCount++
          await http(`${origin.dataPlaneUrl}/cache/live-origin${target}`, {
            method,
            headers,
            ...(method === 'PUT' ? { body: 'x' } : {}),
          })
        }
      }
    }
    const listed = await http(`${origin.adminUrl}/api/requests/recent`, {
      headers: { authorization: origin.keys.superUser },
    })
    const metrics = await http(`${origin.adminUrl}/metrics`)
    t.ok(told.length > 0, 'writes were refused')
    stream.abort()
    await origin.close()
    const access = await readFile(path, 'utf8')
    t.equal(access.trim().split('\n').length, requestCount)
    for (const [name, text] of [
      ['access log', access],
      ['log', logged.join('')],
      ['recent requests', listed.text],
      ['metrics', metrics.text],
      ['live events', await streamed],
      ['what listeners are told of refused writes', told.join('')],
    ] as const) {
      for (const credential of credentials) {
        for (const form of formsOf(credential)) {
          const at = text.indexOf(form)
          t.equal(at, -1, `${name}: …${text.slice(Math.max(0, at - 80), at + 60)}`)
        }
      }
    }
  },
)

/** What a stream of events says until it is aborted. */
async function readStream(url: string, key: string, { signal }: AbortController): Promise<string> {
  const response = await fetch(url, { headers: { authorization: key }, signal })
  let text = ''
  try {
    for await (const chunk of response.body ?? [])
      text += Buffer.from(chunk as Uint8Array).toString()
  } catch {
    // Ignored: aborted.
  }
  return text
}

/** As it is, encoded in each way that was sent, and enough of it to be of use. */
function formsOf(credential: string): readonly string[] {
  const basic = basicAuthorization(credential).slice('Basic '.length)
  return [
    credential,
    encodeURIComponent(credential),
    encodeURIComponent(encodeURIComponent(credential)),
    basic,
    basic.slice(24),
    credential.slice(0, 24),
    credential.slice(-20),
  ]
}
