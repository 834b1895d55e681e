/** docker/compose.yaml and the Dockerfiles it builds, as far as no engine is needed. */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { FIRST_KEY_FILES } from '../../src/auth/first-keys.ts'

const DOCKER = new URL('../../docker/', import.meta.url)

interface Service {
  readonly profiles?: readonly string[]
  /** Absent: an image of somebody else's. */
  readonly build?: { readonly context: string; readonly dockerfile?: string }
  readonly image?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[]
}

// The shape that the tests below look at; a missing part fails them.
const { services } = parse(readFileSync(new URL('compose.yaml', DOCKER), 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>
}

function servicesOf(profile: string): readonly string[] {
  return Object.entries(services)
    .filter(([, { profiles }]) => profiles === undefined || profiles.includes(profile))
    .map(([name]) => name)
    .sort()
}

t.test('each profile brings up an origin, something that pushes, and a CDN', async (t) => {
  t.same(servicesOf('varnish'), ['encoder', 'origin', 'varnish'])
  t.same(servicesOf('nginx'), ['encoder', 'nginx', 'origin'])
  t.same(servicesOf('rtmp'), ['nginx', 'origin', 'rtmp'])
  t.same(servicesOf('metrics'), ['encoder', 'grafana', 'origin', 'prometheus'])
  t.same(servicesOf('none'), ['origin'])
})

t.test('every Dockerfile is there, and what it copies', async (t) => {
  for (const [name, { build }] of Object.entries(services)) {
    if (build?.dockerfile === undefined) continue
    const context = new URL(`${build.context}/`, DOCKER)
    const file = new URL(build.dockerfile, context)
    t.ok(existsSync(file), name)
    for (const line of readFileSync(file, 'utf8').match(/^COPY .*$/gm) ?? []) {
      const sources = line
        .split(' ')
        .filter((word) => !word.startsWith('--'))
        .slice(1, -1)
      for (const source of sources) {
        t.ok(existsSync(fileURLToPath(new URL(source, context))), `${name}: ${source}`)
      }
    }
  }
})

t.test('helpers wait for the origin and read the key that is for them', async (t) => {
  const expected: Readonly<Record<string, string>> = {
    encoder: FIRST_KEY_FILES.encoder,
    rtmp: FIRST_KEY_FILES.encoder,
    varnish: FIRST_KEY_FILES.player,
    nginx: FIRST_KEY_FILES.player,
  }
  for (const [name, file] of Object.entries(expected)) {
    const service = services[name]
    t.same(service?.depends_on, { origin: { condition: 'service_healthy' } }, name)
    t.same(service?.volumes, ['data:/var/lib/headwater:ro'], 'read only')
    const { PLAYER_KEY_FILE: player, ENCODER_KEY_FILE: encoder } = service?.environment ?? {}
    t.equal(player ?? encoder, `/var/lib/headwater/${file}`)
  }
})

t.test('no two ports clash; what asks nobody for a key stays on this machine', async (t) => {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports)
  const hostPorts = published.map((port) => port.split(':').at(-2))
  t.equal(new Set(hostPorts).size, hostPorts.length)
  t.same(services['rtmp']?.ports, ['127.0.0.1:1935:1935'])
  t.same(services['prometheus']?.ports, ['127.0.0.1:9090:9090'])
  t.same(services['grafana']?.ports, ['127.0.0.1:3000:3000'])
})

t.test('images of others have a version, files that are mounted are there', async (t) => {
  for (const [name, { build, image, volumes = [] }] of Object.entries(services)) {
    if (build === undefined) t.match(image, /^[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+$/, name)
    for (const volume of volumes.filter((text) => text.startsWith('.'))) {
      const [path = '', , mode] = volume.split(':')
      t.ok(existsSync(fileURLToPath(new URL(path, DOCKER))), `${name}: ${path}`)
      t.equal(mode, 'ro', `${name}: ${path}`)
    }
  }
})
