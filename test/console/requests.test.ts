/** What the console asks for, against what the admin API has: neither moves without the other. */

import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const SOURCES = new URL('../../src/console/', import.meta.url)

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Every path of `/api` that stands in the console's sources, its variable parts as `{}`. */
async function askedPaths(): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  for (const name of await readdir(SOURCES, { recursive: true })) {
    if (!/\.tsx?$/.test(name)) continue
    const text = await readFile(new URL(name.replaceAll('\\', '/'), SOURCES), 'utf8')
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [, path = ''] of code.matchAll(/['"`](\/api\/[^'"`\s]*)['"`]/g)) {
      const [bare = ''] = path.replace(/\$\{[^}]*\}/g, '{}').split('?')
      paths.set(bare.replace(/\{\}$/, '{}'), name)
    }
  }
  return paths
}

t.test('every path that the console asks for is one of the admin API', async (t) => {
  const origin = await openOrigin(t)
  const answer = await http(`${origin.adminUrl}/api/openapi.json`, {
    headers: { authorization: origin.keys.superUser },
  })
  // The text is tested against the routes elsewhere.
  const { paths } = JSON.parse(answer.text) as OpenApi
  const known = new Set(Object.keys(paths).map((path) => path.replace(/\{[^}]*\}/g, '{}')))
  const asked = await askedPaths()
  t.ok(asked.has('/api/channels/{}/{}') && asked.has('/api/play-token'), 'the search finds them')
  for (const [path, name] of asked) t.ok(known.has(path), `${path} (${name})`)
})

t.test('no source makes markup of text', async (t) => {
  for (const name of await readdir(SOURCES, { recursive: true })) {
    if (!/\.tsx?$/.test(name)) continue
    const text = await readFile(new URL(name.replaceAll('\\', '/'), SOURCES), 'utf8')
    t.notMatch(
      text,
      /dangerouslySetInnerHTML|(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|srcdoc/,
      name,
    )
  }
})

t.test('what the console reads is in the answers', async (t) => {
  const origin = await openOrigin(t)
  const headers = { authorization: origin.keys.superUser }
  const put = (key: string, body: string) =>
    http(`${origin.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=60`, {
      method: 'PUT',
      body,
      headers: { authorization: origin.keys.encoder },
    })
  t.equal((await put('s1.ts', 'x')).status, 204)
  const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:9,\ns1.ts\n'
  t.equal((await put('p.m3u8', playlist)).status, 204)
  const get = async (path: string): Promise<unknown> =>
    JSON.parse((await http(`${origin.adminUrl}${path}`, { headers })).text)
  const members = await typeMembers()
  const check = (type: string, value: unknown, except: readonly string[] = []) => {
    const names = (members.get(type) ?? []).filter((name) => !except.includes(name))
    t.ok(names.length > 0, type)
    // An answer of the API: an object.
    const missing = names.filter((name) => !(name in (value as object)))
    t.same(missing, [], `${type} has all that the console reads`)
  }
  check('ServerInfo', await get('/api/server'))
  check('MetricsHistory', await get('/api/metrics/history'))
  // The shapes are checked here, not trusted.
  type List = { channels: { renditions: unknown[] }[] }
  let { channels } = (await get('/api/channels')) as List
  // A channel is one when the model has looked at its playlist.
  while (channels.length === 0) {
    await sleep(20)
    ;({ channels } = (await get('/api/channels')) as List)
  }
  check('ChannelView', channels[0], ['findings'])
  check('RenditionView', channels[0]?.renditions[0], ['recentSegments'])
  const one = (await get('/api/channels/live-origin/p.m3u8')) as {
    findings: unknown[]
    renditions: { recentSegments: unknown[] }[]
  }
  check('ChannelView', one, ['findingCount'])
  check('FindingView', one.findings[0])
  check('RenditionView', one.renditions[0])
  check('PublishPoint', one.renditions[0]?.recentSegments[0])
})

t.test('what the page of a test rig reads is in the answers', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const headers = { authorization: origin.keys.superUser }
  origin.faults?.add({ action: 'status', match: { key: '*.ts' } })
  await http(`${origin.dataPlaneUrl}/cache/live-origin/a.ts`, { headers })
  const members = await typeMembers('api/rig-types.ts')
  const get = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
    const { text } = await http(`${origin.adminUrl}${path}`, { headers })
    // An answer of the API: an object, whose members are looked at.
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  }
  for (const [type, path, list] of [
    ['FaultInForce', '/api/faults', 'faults'],
    ['ScenarioView', '/api/scenarios', 'scenarios'],
    ['FaultEventView', '/api/faults/events', 'events'],
  ] as const) {
    const entries = (await get(path))[list]
    const [first = {}] = Array.isArray(entries) ? (entries as readonly object[]) : []
    const missing = (members.get(type) ?? ['the type']).filter((name) => !(name in first))
    t.same(missing, [], `${type} has all that the console reads`)
  }
  t.match(await get('/api/server'), { rigEnabled: true, faultCount: 1 })
})

/** The members of each interface of `api-types.ts`, or of another file of them. */
async function typeMembers(
  file = 'api/api-types.ts',
): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readFile(new URL(file, SOURCES), 'utf8')
  return new Map(
    [...text.matchAll(/export interface (\w+) \{\n([\s\S]*?)\n\}/g)].map(
      ([, name = '', body = '']) => [
        name,
        [...body.matchAll(/readonly (\w+)\??:/g)].map(([, member = '']) => member),
      ],
    ),
  )
}
