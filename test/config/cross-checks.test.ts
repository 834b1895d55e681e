import t from 'tap'
import { crossCheck } from '../../src/config/cross-checks.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { PartialConfig } from '../../src/config/schema.ts'
import { configProblems } from './config-problems.ts'

const MIB = 1_048_576

t.test('settings that do not fit together are refused with both sources', async (t) => {
  const lines = configProblems({
    env: { HEADWATER_HTTP_PORT: '9000' },
    file: { path: 'f.json', text: '{"admin":{"port":9000}}' },
  })
  t.strictSame(lines, [
    'admin.port = 9000 (file f.json, env HEADWATER_HTTP_PORT): must differ from http.port: both would listen on the same address',
  ])
})

t.test('ports may be equal on different addresses, or 0', async (t) => {
  const cases: [string, string, number, boolean][] = [
    ['localhost', 'localhost', 0, true],
    ['localhost', 'localhost', 9000, false],
    ['localhost', '127.0.0.1', 9000, false],
    ['::1', 'localhost', 9000, false],
    ['*', '127.0.0.1', 9000, false],
    ['127.0.0.1', '0.0.0.0', 9000, false],
    ['::', 'origin.local', 9000, false],
    ['127.0.0.1', '::1', 9000, true],
    ['10.0.0.1', '10.0.0.2', 9000, true],
    ['localhost', '10.0.0.2', 9000, true],
  ]
  for (const [http, admin, port, isFine] of cases) {
    const overrides = { http: { host: http, port }, admin: { host: admin, port } }
    t.equal(configProblems({ overrides }).length === 0, isFine, `${http} ${admin} ${String(port)}`)
  }
})

t.test('the TLS port is one of its own, once there is a certificate', async (t) => {
  const tls = { certFile: 'cert.pem', keyFile: 'key.pem' }
  const problems = (http: NonNullable<PartialConfig['http']>) =>
    configProblems({ overrides: { http } })
  t.strictSame(problems({ tls }), [])
  t.strictSame(problems({ tls: { port: 8080 } }), [], 'without a certificate it is not open')
  t.match(problems({ tls: { ...tls, port: 8080 } })[0], 'http.tls.port = 8080')
  t.match(problems({ tls: { ...tls, port: 8081 } })[0], 'must differ from admin.port')
  t.strictSame(problems({ port: 0, tls: { ...tls, port: 0 } }), [])
})

t.test('certificate and key come together', async (t) => {
  const problems = (tls: { certFile?: string; keyFile?: string }) =>
    configProblems({ overrides: { http: { tls } } })
  t.match(
    problems({ certFile: 'cert.pem' })[0],
    /^http\.tls\.keyFile.*is needed for http\.tls\.cert/,
  )
  t.match(problems({ keyFile: 'key.pem' })[0], /^http\.tls\.certFile.*is needed for http\.tls\.key/)
})

t.test('bounds of caches fit the other bounds', async (t) => {
  const cases: [PartialConfig, string | undefined][] = [
    [{ caches: { items: [{ name: 'a' }, { name: 'b' }] } }, undefined],
    [
      { caches: { items: [{ name: 'a' }, { name: 'a' }, { name: 'a' }] } },
      'has the cache a more than once',
    ],
    [{ caches: { items: [{ name: 'a' }] }, limits: { cachesMax: 1 } }, undefined],
    [
      { caches: { items: [{ name: 'a' }, { name: 'b' }] }, limits: { cachesMax: 1 } },
      'must be at least 2',
    ],
    [{ limits: { ttlSecondsMax: 3600 } }, undefined],
    [
      { limits: { ttlSecondsMax: 3599 } },
      'caches.defaults.defaultTtlSeconds = 3600 (default, option): must be at most limits.ttlSecondsMax, which is 3599',
    ],
    [
      {
        caches: { items: [{ name: 'a', defaultTtlSeconds: 7200 }] },
        limits: { ttlSecondsMax: 7199 },
      },
      'caches.items[0].defaultTtlSeconds = 7200',
    ],
    [{ caches: { defaults: { ttlRules: ['*=2678400'] } } }, undefined],
    [{ caches: { defaults: { ttlRules: ['a=1', '*=2678401'] } } }, 'caches.defaults.ttlRules'],
    [{ caches: { items: [{ name: 'a', ttlRules: ['*=2678401'] }] } }, 'caches.items[0].ttlRules'],
    [{ hotStore: { sizeBytesMax: 10 * MIB } }, undefined],
    [{ hotStore: { sizeBytesMax: 10 * MIB - 1 } }, 'must be at most hotStore.sizeBytesMax'],
    [
      {
        hotStore: { sizeBytesMax: 10 * MIB },
        caches: { items: [{ name: 'a', itemSizeBytesMax: 10 * MIB + 1 }] },
      },
      'caches.items[0].itemSizeBytesMax',
    ],
    [{ limits: { uploadsInFlightBytesMax: 10 * MIB } }, undefined],
    [
      { limits: { uploadsInFlightBytesMax: 10 * MIB - 1 } },
      'must be at most limits.uploadsInFlightBytesMax',
    ],
  ]
  for (const [overrides, fix] of cases) {
    const lines = configProblems({ overrides })
    t.equal(lines.length, fix === undefined ? 0 : 1, JSON.stringify(overrides))
    if (fix !== undefined) t.match(lines[0], fix)
  }
})

t.test('a setting that is wrong by itself is not blamed a second time', async (t) => {
  const lines = configProblems({
    env: { HEADWATER_HTTP_PORT: 'x' },
    overrides: { admin: { port: 8080 } },
  })
  t.equal(lines.length, 1)
  t.match(lines[0], 'http.port')
})

t.test('dev keys are refused with TLS and with Valkey', async (t) => {
  const { config } = resolveConfig({ overrides: { auth: { devKeys: true } } })
  const withTls = { ...config, http: { ...config.http, tls: { ...config.http.tls, keyFile: 'k' } } }
  const withValkey = { ...config, storage: { ...config.storage, kind: 'valkey' as const } }
  t.strictSame(crossCheck(config), [])
  t.ok(crossCheck(withTls).some(({ paths }) => paths[0] === 'auth.devKeys'))
  t.equal(crossCheck(withValkey)[0]?.paths[0], 'auth.devKeys')
  const fixed = crossCheck({ ...withTls, auth: { ...config.auth, devKeys: false } })
  t.notOk(fixed.some(({ paths }) => paths[0] === 'auth.devKeys'))
})

t.test('what is risky is a warning', async (t) => {
  const cases: [PartialConfig, string | undefined][] = [
    [{ auth: { devKeys: true } }, undefined],
    [{ auth: { devKeys: true }, http: { host: '127.0.0.1' } }, undefined],
    [{ auth: { devKeys: true }, http: { host: '*' } }, 'auth.devKeys'],
    [{ auth: { loopbackWithoutKey: true } }, undefined],
    [
      { auth: { loopbackWithoutKey: true }, http: { publicUrl: 'https://a.example' } },
      'auth.loopbackWithoutKey',
    ],
    [
      { auth: { loopbackWithoutKey: true }, http: { trustedProxies: ['::1'] } },
      'auth.loopbackWithoutKey',
    ],
    [{ http: { trustedProxies: ['0.0.0.0/0'] } }, 'http.trustedProxies'],
  ]
  for (const [overrides, start] of cases) {
    const { warnings } = resolveConfig({ overrides })
    t.equal(warnings.length, start === undefined ? 0 : 1, JSON.stringify(overrides))
    if (start !== undefined) t.ok(warnings[0]?.startsWith(start))
  }
})

t.test('storage.kind valkey needs to know where Valkey is', async (t) => {
  const { config } = resolveConfig({})
  const storage = { ...config.storage, kind: 'valkey' as const }
  t.match(crossCheck({ ...config, storage }), [
    { paths: ['storage.valkey.url', 'storage.kind'], fix: /is needed/ },
  ])
  const valkey = { ...storage.valkey, url: 'valkey://127.0.0.1' }
  t.same(crossCheck({ ...config, storage: { ...storage, valkey } }), [])
})

t.test('a certificate for Valkey needs its key, and a key its certificate', async (t) => {
  const problems = (files: { certFile?: string; keyFile?: string }) => {
    const valkey = { url: 'valkeys://a', ...files }
    return configProblems({ overrides: { storage: { kind: 'valkey', valkey } } })
  }
  t.strictSame(problems({}), [])
  t.strictSame(problems({ certFile: 'c', keyFile: 'k' }), [])
  t.match(problems({ certFile: 'c' }), [/^storage\.valkey\.keyFile.*is needed for .*certFile/])
  t.match(problems({ keyFile: 'k' }), [/^storage\.valkey\.certFile.*is needed for .*keyFile/])
})
