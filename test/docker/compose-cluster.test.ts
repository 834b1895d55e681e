/** docker/compose.cluster.yaml and what it starts, as far as no engine is needed. */

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { FIRST_KEY_FILES } from '../../src/auth/first-keys.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { parseValkeyUrl } from '../../src/storage/valkey/valkey-url.ts'

const DOCKER = new URL('../../docker/', import.meta.url)

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile?: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly networks?:
    | readonly string[]
    | { readonly rig: { readonly aliases?: readonly string[]; readonly ipv4_address?: string } }
}

// The shape that the tests below look at; a missing part fails them.
const { services, volumes } = parse(readFileSync(new URL('compose.cluster.yaml', DOCKER), 'utf8'), {
  merge: true,
}) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

function confOf(name: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`valkey/${name}`, DOCKER), 'utf8')
  const lines = text.split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(
    lines.map((line) => {
      const [, key = '', value = ''] = /^((?:sentinel )?\S+) (.*)$/.exec(line) ?? []
      return [key, value]
    }),
  )
}

function addressOf(name: string): string | undefined {
  const networks = services[name]?.networks
  return networks !== undefined && 'rig' in networks ? networks.rig.ipv4_address : undefined
}

const server = confOf('valkey.conf')
const sentinel = confOf('sentinel.conf')

t.test('two origins with one Valkey, by way of three Sentinels', async (t) => {
  const [a, b] = [services['origin-a'], services['origin-b']]
  t.strictSame(a?.environment, b?.environment)
  t.not(a?.volumes?.[0], b?.volumes?.[0])
  const { config } = resolveConfig({ env: a?.environment ?? {} })
  t.equal(config.storage.kind, 'valkey')
  const address = parseValkeyUrl(config.storage.valkey.url)
  t.same(
    address?.hosts.map(({ host, port }) => `${host}:${port}`),
    ['sentinel-1', 'sentinel-2', 'sentinel-3'].map(
      (name) => `${String(addressOf(name))}:${String(sentinel.get('port'))}`,
    ),
  )
  t.equal(address?.password, server.get('requirepass'))
  t.equal(address?.sentinel?.password, sentinel.get('requirepass'))
  t.equal(
    `${String(address?.sentinel?.name)} ${String(addressOf('valkey-a'))} 6379 2`,
    sentinel.get('sentinel monitor'),
  )
})

t.test('Valkey and Sentinels know each other, and keep what is promised', async (t) => {
  t.equal(server.get('masterauth'), server.get('requirepass'))
  t.equal(sentinel.get('sentinel auth-pass'), `main ${String(server.get('requirepass'))}`)
  t.equal(sentinel.get('sentinel sentinel-pass'), sentinel.get('requirepass'))
  t.equal(server.get('maxmemory-policy'), 'noeviction')
  t.match(server.get('maxmemory'), /^\d+mb$/)
  t.equal(server.get('appendonly'), 'yes')
  t.equal(services['valkey-b']?.environment?.['PRIMARY'], `${String(addressOf('valkey-a'))} 6379`)
  for (const [name, conf] of [
    ...['valkey-a', 'valkey-b'].map((name) => [name, server] as const),
    ...['sentinel-1', 'sentinel-2', 'sentinel-3'].map((name) => [name, sentinel] as const),
  ]) {
    t.ok(services[name]?.healthcheck?.test.includes(conf.get('requirepass') ?? ''), name)
    t.ok(`${name}` in volumes, `${name} remembers`)
    t.equal(services[name]?.ports, undefined, `${name} is for the rig alone`)
  }
})

t.test('who pushes and who reads has a key, and knows both origins', async (t) => {
  const { encoder, varnish } = services
  t.ok(encoder?.environment?.['ENCODER_KEY_FILE']?.endsWith(`/${FIRST_KEY_FILES.encoder}`))
  t.ok(varnish?.environment?.['PLAYER_KEY_FILE']?.endsWith(`/${FIRST_KEY_FILES.player}`))
  const alias = new URL(encoder?.environment?.['ORIGIN_URL'] ?? '').hostname
  for (const name of ['origin-a', 'origin-b']) {
    const networks = services[name]?.networks
    t.ok(networks !== undefined && 'rig' in networks && networks.rig.aliases?.includes(alias))
  }
  t.match(varnish?.environment, { ORIGIN_HOST: 'origin-a', ORIGIN_B_HOST: 'origin-b' })
  for (const { build } of [encoder, varnish].map((service) => service ?? {})) {
    t.ok(existsSync(new URL(`${build?.context ?? ''}/${build?.dockerfile ?? ''}`, DOCKER)))
  }
})

t.test(
  'docker-compose reads it',
  { skip: spawnSync('docker-compose', ['version']).status !== 0 && 'needs docker-compose' },
  async (t) => {
    const file = fileURLToPath(new URL('compose.cluster.yaml', DOCKER))
    const { status, stderr } = spawnSync('docker-compose', ['-f', file, 'config', '-q'], {
      ...{ encoding: 'utf8', timeout: 60_000 },
    })
    t.equal(status, 0, stderr)
  },
)

t.test(
  'start.sh copies a configuration once, and then leaves it to its server',
  { skip: process.platform === 'win32' && 'needs sh' },
  async (t) => {
    const bin = t.testdir({
      data: {},
      'valkey-server': '#!/bin/sh\necho "$@"; cat "$1" | tail -1\n',
    })
    chmodSync(join(bin, 'valkey-server'), 0o755)
    const start = (kind: string, primary = '') =>
      spawnSync('sh', [fileURLToPath(new URL('valkey/start.sh', DOCKER)), kind], {
        env: {
          PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
          CONFIG_DIR: fileURLToPath(new URL('valkey/', DOCKER)),
          DATA_DIR: join(bin, 'data'),
          PRIMARY: primary,
        },
        encoding: 'utf8',
      })
    const file = join(bin, 'data/valkey.conf')
    t.equal(start('valkey', '10.0.0.1 6379').stdout, `${file}\nreplicaof 10.0.0.1 6379\n`)
    writeFileSync(file, 'as the server left it\n')
    t.equal(start('valkey', '10.0.0.1 6379').stdout, `${file}\nas the server left it\n`)
    t.match(start('sentinel').stdout, 'sentinel.conf --sentinel\nsentinel parallel-syncs main 1')
    t.equal(start('other').status, 2)
  },
)
