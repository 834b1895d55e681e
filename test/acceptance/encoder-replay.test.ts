/**
 * Recorded encoders against a running origin: every answer is the one the emulation rules give,
 * what was stored reads back byte for byte, connections live on, and no answer or log line holds
 * the credential.
 */

import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import { createLogger } from '../../src/base/log.ts'
import { encoderFixtureNames, readEncoderFixture } from '../support/encoder-fixture.ts'
import type { EncoderFixture } from '../support/encoder-fixture.ts'
import { http } from '../support/http.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../support/origin.ts'
import { replayEncoder } from '../support/replay.ts'
import type { Replay, ReplayAnswer } from '../support/replay.ts'

/** Recorded without any credential: played as if `-headers` (or `-H`) had one. */
const WITHOUT_CREDENTIAL = new Set([
  'c-T-stdin',
  'e-v7-p0-throttle',
  'e-v7-p1-connclose',
  'fmp4-basic',
  'fmp4-persist',
  'g122-soup',
  'kill9-ldash',
  'shaka-fmp4',
  'shaka-ll',
  'shaka-ts',
  'ts-basic',
  'ts-delete',
  'ts-nomethod',
  'ts-persist',
  'ts-post',
  'ts-singlefile',
  'v7-lad-sub',
])

/** How often each status is answered, where it is not 204 for all. */
const STATUS_COUNTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Digest is not offered: the empty probe and the Digest answer both get the Basic challenge.
  'c-digest': { 401: 2 },
  'v5-digest': { 401: 12 },
  'c-user-any': { 401: 1, 204: 1 },
  'v7-userpass-expect': { 401: 6, 204: 6 },
  // It asked first and was refused before a byte of its bodies.
  'v7-userpass-401atend': { 401: 6 },
  // The query of the playlist does not reach the segments.
  'v7-q-default': { 401: 3, 204: 3 },
  'v7-q-jwt': { 401: 1 },
  // The 5.1 subtitle playlist goes out without -headers.
  'v5-vtt': { 401: 4, 204: 13 },
  'shaka-ts-q': { 401: 6, 204: 14 },
  'v7-append': { 404: 1, 401: 3, 204: 3 },
  // An object in pieces: only the first could pass for a whole one.
  'g122-soup': { 204: 1, 400: 11 },
  'ts-singlefile': { 204: 5, 400: 1 },
  // Two uploads were torn by kill -9, one by the end of the recording.
  'kill9-ldash': { 204: 12, none: 2 },
  'shaka-ll': { 204: 12, none: 1 },
}

t.equal(encoderFixtureNames().length, 40, 'every recorded encoder is here')

for (const name of encoderFixtureNames()) {
  const fixture = readEncoderFixture(name)
  t.test(`${name}: ${fixture.client}, ${fixture.about}`, async (t) => {
    const logged: string[] = []
    const log = createLogger(
      'trace',
      new Writable({
        write(line: Buffer, _encoding, done) {
          logged.push(line.toString())
          done()
        },
      }),
    )
    const origin = await openOrigin(t, {}, { log })
    await origin.createCache('live')
    const caches = ['live', 'live-origin']
    const encoder = await origin.mintKey({ role: 'readwrite', caches, items: { kind: 'all' } })
    const player = await origin.mintKey({ role: 'readonly', caches, items: { kind: 'all' } })
    // The record's credential had dots where one is cut at a dot; a wrapper has none.
    const credential = name === 'v7-q-jwt' ? innerJwt(encoder.apiKey) : encoder.apiKey
    const replay = await replayEncoder(fixture, {
      originUrl: origin.dataPlaneUrl,
      credential,
      addAuthorization: WITHOUT_CREDENTIAL.has(name),
    })
    checkStatuses(t, name, replay)
    checkAnswers(t, replay, credential)
    checkConnections(t, fixture, replay)
    await checkStored(t, replay, origin.dataPlaneUrl, player.apiKey, secretsOf(credential))
    const lines = logged.join('')
    for (const secret of secretsOf(credential)) t.notOk(lines.includes(secret), 'not in the log')
  })
}

t.test('segment bytes aimed at the playlist itself leave the playlist as it was', async (t) => {
  const origin = await openOrigin(t)
  const { dataPlaneUrl, keys } = origin
  const target = `${dataPlaneUrl}/cache/live-origin/playlist.m3u8`
  const headers = { authorization: keys.encoder }
  const text = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nplaylist0.ts\n'
  t.equal((await http(target, { method: 'PUT', headers, body: text })).status, 204)
  const fixture = readEncoderFixture('v7-q-jwt')
  await replayEncoder(fixture, { originUrl: dataPlaneUrl, credential: innerJwt(keys.encoder) })
  t.equal((await http(target, { headers })).text, text)
  // The same bytes with a good credential: refused for what they are.
  const refused = await http(target, { method: 'PUT', headers, body: Buffer.alloc(188, 0x47) })
  t.equal(refused.status, 400)
  t.equal(refused.headers['x-headwater-reason'], 'not-a-playlist')
  t.equal((await http(target, { headers })).text, text)
})

function checkStatuses(t: Test, name: string, replay: Replay): void {
  const counts: Record<string, number> = {}
  for (const answer of replay.answers) {
    const { status } = answer.response ?? { status: 'none' }
    counts[status] = (counts[status] ?? 0) + 1
    const expected = expectedStatus(answer)
    t.equal(status, expected, `${answer.request.method} ${answer.request.target}`)
    if (status === 401) t.equal(answer.interim.length, 0, 'no 100 for who may not upload')
    if (status === 204 && answer.headers.some((line) => /^expect:/i.test(line))) {
      t.same(answer.interim, [100], 'a 100 for who may')
    }
  }
  t.same(counts, STATUS_COUNTS[name] ?? { 204: replay.answers.length })
}

/** The emulation rules, in their order, for what encoders really send. */
function expectedStatus({ request, headers, complete }: ReplayAnswer): number | 'none' {
  const sent = headers.join('\n')
  const authorized =
    (/^authorization: (?!digest)/im.test(sent) || request.target.includes('{{token}}')) &&
    !request.target.includes('{{tokenCut}}')
  if (!authorized) return 401
  if (!complete) return 'none'
  if (request.method === 'GET') return 404
  if (request.method === 'DELETE') return 204
  if (/^content-range:/im.test(sent)) return 400
  return request.body.sizeBytes === 0 ? 400 : 204
}

function checkAnswers(t: Test, replay: Replay, credential: string): void {
  for (const { request, response } of replay.answers) {
    if (response === undefined) continue
    const what = `${String(response.status)} to ${request.method} ${request.target}`
    t.ok(response.sizeBytes < 1024, `${what} is ${String(response.sizeBytes)} bytes in all`)
    if (response.status === 204) t.equal(response.header('content-length'), undefined, what)
    if (response.status === 401) {
      t.equal(response.header('www-authenticate'), 'Basic realm="headwater"', what)
    }
    if (response.status >= 400) t.ok(response.header('x-headwater-reason'), `${what} has a reason`)
    const text = response.raw.toString('latin1')
    for (const secret of secretsOf(credential)) t.notOk(text.includes(secret), `${what}: no secret`)
  }
}

/** Every form in which the credential could show up. */
function secretsOf(credential: string): readonly string[] {
  const inner = credential.includes('.') ? credential : innerJwt(credential)
  return [credential, inner, basicAuthorization(credential).slice('Basic '.length)]
}

function checkConnections(t: Test, fixture: EncoderFixture, replay: Replay): void {
  for (const { id, endBeforeClient, abandoned } of replay.connections) {
    t.not(endBeforeClient, 'reset', `connection ${String(id)} was not reset`)
    const requests = fixture.requests.filter(({ connection }) => connection === id)
    const asksToClose = requests.some(({ headers }) =>
      (fixture.headerSets[headers] ?? []).some((line) => /^connection: close/i.test(line)),
    )
    if (asksToClose || abandoned) continue
    t.equal(endBeforeClient, 'open', `connection ${String(id)} is still open`)
    for (const { response } of replay.answers.filter((a) => a.request.connection === id)) {
      t.not(response?.header('connection')?.toLowerCase(), 'close')
    }
  }
}

/** What the last accepted write of each name left must come back; what none left must not. */
async function checkStored(
  t: Test,
  replay: Replay,
  url: string,
  apiKey: string,
  secrets: readonly string[],
): Promise<void> {
  const byEnd = [...replay.answers].sort((a, b) => endOf(a) - endOf(b))
  const expected = new Map<string, Buffer | undefined>()
  for (const { request, target, body, response } of byEnd) {
    const path = readTarget(target)
    if (request.method === 'GET') continue
    if (!expected.has(path)) expected.set(path, undefined)
    if (response?.status === 204) {
      expected.set(path, request.method === 'DELETE' ? undefined : body)
    }
  }
  for (const [path, body] of expected) {
    const read = await http(`${url}${path}`, { headers: { authorization: apiKey } })
    if (body === undefined) {
      t.equal(read.status, 404, `${path} is not there`)
      continue
    }
    t.equal(read.status, 200, path)
    t.equal(Number(read.headers['content-length']), read.body.length, `${path}: its length`)
    if (!/\.(m3u8|mpd)$/.test(path)) {
      t.equal(hashOf(read.body), hashOf(body), `${path}: its bytes`)
      continue
    }
    t.equal(read.text, withoutWriting(body.toString('utf8')), `${path}: its text, cleaned`)
    const separator = path.includes('?') ? '&' : '?'
    const byToken = await http(`${url}${path}${separator}token=${apiKey}`)
    for (const secret of secrets) {
      t.notOk(read.text.includes(secret), 'the key of its encoder is not in it')
      t.notOk(byToken.text.includes(secret), 'nor where a player brought its own')
    }
  }
}

/** A playlist as readers see it: without what is meant for writes in its queries. */
function withoutWriting(text: string): string {
  return text.replace(/\?[^"\s<]*/g, (query) => {
    const kept = query
      .slice(1)
      .split('&')
      .filter((parameter) => !/^(?:token|ttl_seconds|role)=/.test(parameter))
    return kept.length === 0 ? '' : `?${kept.join('&')}`
  })
}

function endOf({ request }: ReplayAnswer): number {
  return request.body.endAtMs ?? request.atMs
}

/** A write's target as a reader would ask for it: without token and TTL. */
function readTarget(target: string): string {
  const [path = '', query = ''] = target.split('?')
  const key = query.split('&').find((parameter) => parameter.startsWith('key='))
  return key === undefined ? path : `${path}?${key}`
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
