import t from 'tap'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { PartialConfig } from '../../src/config/schema.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { settingValue } from '../../src/config/setting-value.ts'
import { configProblems } from './config-problems.ts'

/** `http.port` -> `{ http: { port: value } }` */
function nested(path: string, value: unknown): PartialConfig {
  return path
    .split('.')
    .reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as PartialConfig
}

t.test('every bound is accepted and one past it is refused', async (t) => {
  for (const { path, minimum, maximum, type } of SETTINGS) {
    const step = type === 'integer' ? 1 : 0.01
    const own = (value: number): string[] =>
      configProblems({ overrides: nested(path, value) }).filter(
        // Settings that must fit others are tested with those.
        (line) => line.startsWith(path) && !line.includes('which is'),
      )
    if (minimum !== undefined) {
      t.strictSame(own(minimum), [], `${path} at ${String(minimum)}`)
      t.match(own(minimum - step)[0], `must be `, `${path} under ${String(minimum)}`)
    }
    if (maximum !== undefined) {
      t.strictSame(own(maximum), [], `${path} at ${String(maximum)}`)
      t.match(
        own(maximum + step)[0],
        `must be between ${String(minimum)} and ${String(maximum)}`,
        `${path} over ${String(maximum)}`,
      )
    }
  }
})

t.test('every setting refuses a value of another type', async (t) => {
  for (const { path, type } of SETTINGS) {
    for (const value of [null, { a: 1 }, type === 'string' ? 1 : 'word', [[1]]]) {
      const lines = configProblems({ overrides: nested(path, value) })
      t.ok(lines.length >= 1 && lines[0]?.startsWith(path), `${path} = ${JSON.stringify(value)}`)
    }
  }
})

t.test('text from the environment', async (t) => {
  const accepted: [string, string, string, unknown][] = [
    ['HEADWATER_HTTP_PORT', ' 9000 ', 'http.port', 9000],
    ['HEADWATER_HTTP_UPLOAD_IDLE_SECONDS', '1.5', 'http.uploadIdleSeconds', 1.5],
    ['HEADWATER_CACHES_AUTO_CREATE', 'TRUE', 'caches.autoCreate', true],
    ['HEADWATER_CACHES_AUTO_CREATE', '1', 'caches.autoCreate', true],
    ['HEADWATER_DELIVERY_CACHE_CONTROL', '0', 'delivery.cacheControl', false],
    ['HEADWATER_DELIVERY_CACHE_CONTROL', 'false', 'delivery.cacheControl', false],
    ['HEADWATER_EMULATION_OVERSIZE_STATUS', '429', 'emulation.oversizeStatus', 429],
    ['HEADWATER_LOG_LEVEL', 'debug', 'log.level', 'debug'],
    [
      'HEADWATER_HTTP_TRUSTED_PROXIES',
      '10.0.0.0/8, ::1,',
      'http.trustedProxies',
      ['10.0.0.0/8', '::1'],
    ],
    ['HEADWATER_CACHES_ITEMS', '[{"name":"a"}]', 'caches.items', [{ name: 'a' }]],
    ['HEADWATER_DATA_DIR', '/var/lib/my data', 'dataDir', '/var/lib/my data'],
    ['HEADWATER_HTTP_PORT', '', 'http.port', 8080],
    ['HEADWATER_EXPRESS_LANE', 'false', 'expressLane', false],
  ]
  for (const [name, text, path, value] of accepted) {
    const { config } = resolveConfig({ env: { [name]: text } })
    t.strictSame(settingValue(config, path), value, `${name}=${text}`)
  }
  const refused: [string, string, string][] = [
    ['HEADWATER_HTTP_PORT', '0x50', 'must be a number, digits only, such as 8080'],
    ['HEADWATER_HTTP_PORT', '8080.5', 'must be a whole number'],
    ['HEADWATER_HTTP_PORT', '1e3', 'must be a number'],
    ['HEADWATER_HTTP_PORT', '-1', 'must be between 0 and 65535'],
    ['HEADWATER_HOT_STORE_SIZE_BYTES_MAX', '1_000', 'must be a number in bytes'],
    ['HEADWATER_HOT_STORE_SIZE_BYTES_MAX', '1GiB', 'must be a number in bytes'],
    ['HEADWATER_HOT_STORE_SIZE_BYTES_MAX', '9007199254740993', 'must be a whole number'],
    ['HEADWATER_CACHES_AUTO_CREATE', 'yes', 'must be true or false'],
    ['HEADWATER_LOG_LEVEL', 'debg', 'did you mean debug?'],
    ['HEADWATER_EMULATION_OVERSIZE_STATUS', '400', 'must be one of 413, 429'],
    ['HEADWATER_CACHES_ITEMS', 'live', 'must be a JSON list'],
    ['HEADWATER_CACHES_ITEMS', '{}', 'must be a list of objects'],
  ]
  for (const [name, text, fix] of refused) {
    const lines = configProblems({ env: { [name]: text } })
    t.equal(lines.length, 1)
    t.match(lines[0], fix, `${name}=${text}`)
    t.match(lines[0], `(env ${name})`)
  }
})

t.test('URLs, addresses and host names', async (t) => {
  const accepted: [string, unknown, unknown][] = [
    ['http.publicUrl', 'https://origin.example.com/', 'https://origin.example.com'],
    ['http.publicUrl', 'HTTP://Origin.example.com:80', 'http://origin.example.com'],
    ['admin.publicUrl', 'http://[::1]:8081', 'http://[::1]:8081'],
    [
      'http.trustedProxies',
      ['10.0.0.1', '10.0.0.0/32', 'fd00::/128'],
      ['10.0.0.1', '10.0.0.0/32', 'fd00::/128'],
    ],
    ['http.host', '*', '*'],
    ['http.host', '::', '::'],
    ['admin.host', 'origin-1.local', 'origin-1.local'],
    ['admin.allowedHosts', ['console.example.com', '::1'], ['console.example.com', '::1']],
    ['auth.signingKey', 'x'.repeat(32), 'x'.repeat(32)],
    ['auth.signingKey', 'ü'.repeat(16), 'ü'.repeat(16)],
  ]
  for (const [path, given, value] of accepted) {
    const { config } = resolveConfig({ overrides: nested(path, given) })
    t.strictSame(settingValue(config, path), value, `${path} ${JSON.stringify(given)}`)
  }
  const refused: [string, unknown, string][] = [
    ['http.publicUrl', 'localhost:8080', 'must be a URL with http:// or https://'],
    ['http.publicUrl', 'http:example.com', 'must be a URL'],
    ['http.publicUrl', 'http://exa mple', 'must be a URL'],
    [
      'http.publicUrl',
      'https://a.example/path',
      'must be without path and query: https://a.example',
    ],
    ['http.publicUrl', 'https://a.example/?', 'must be without path and query'],
    ['http.publicUrl', 'https://a.example#x', 'must be without path and query'],
    ['admin.publicUrl', 'https://me:pw@a.example', 'must be without user name and password'],
    ['http.trustedProxies', ['10.0.0.0/33'], 'must be an IP address or a CIDR range'],
    ['http.trustedProxies', ['fd00::/129'], 'CIDR'],
    ['http.trustedProxies', ['10.0.0.0/8/8'], 'CIDR'],
    ['http.trustedProxies', ['10.0.0.0/'], 'CIDR'],
    ['http.trustedProxies', ['fe80::1%eth0'], 'CIDR'],
    ['http.trustedProxies', ['proxy.example.com'], 'CIDR'],
    ['http.host', '127.0.0.1:8080', 'without port'],
    ['http.host', '[::1]', 'brackets'],
    ['admin.allowedHosts', ['https://a.example'], 'must be a host name'],
    ['admin.allowedHosts', ['a.example:8081'], 'must be a host name'],
    ['auth.signingKey', 'x'.repeat(31), 'has 31 bytes and must have at least 32'],
  ]
  for (const [path, given, fix] of refused) {
    const lines = configProblems({ overrides: nested(path, given) })
    t.equal(lines.length, 1, `${path} ${JSON.stringify(given)}`)
    t.match(lines[0], fix)
  }
  t.match(
    configProblems({ overrides: { http: { trustedProxies: ['::1', 'x'] } } })[0],
    'http.trustedProxies[1] = "x"',
  )
})

t.test('declared caches are checked field by field', async (t) => {
  const items = [
    { name: 'ok', defaultTtlSeconds: 60, anonymous: 'read' },
    { name: 'not ok' },
    { defaultTtlSeconds: 0 },
    { name: 'x', emtpyBody: 'ignore', itemSizeBytesMax: 1023 },
    'live',
  ]
  t.strictSame(
    configProblems({ file: { path: 'f.json', text: JSON.stringify({ caches: { items } }) } }),
    [
      'caches.items[1].name = "not ok" (file f.json): must be 1 to 255 of A-Z a-z 0-9 . _ -',
      'caches.items[2].name (file f.json): is missing',
      'caches.items[2].defaultTtlSeconds = 0 (file f.json): must be between 1 and 2678400 seconds',
      'caches.items[3].itemSizeBytesMax = 1023 (file f.json): must be between 1024 and 1073741824 bytes',
      'caches.items[3].emtpyBody (file f.json): no such setting of a cache; did you mean emptyBody?',
      'caches.items[4] = "live" (file f.json): must be an object',
    ],
  )
})

t.test('TTL rules are a pattern, an equals sign and seconds', async (t) => {
  const of = (ttlRules: unknown) =>
    configProblems({ overrides: nested('caches.defaults.ttlRules', ttlRules) })
  const accepted = ['*.m3u8=60', 'a=b=1', '**=2678400', `${'a'.repeat(256)}=1`]
  t.strictSame(of(accepted), [])
  t.strictSame(of(Array.from({ length: 32 }, () => '*=1')), [])
  t.match(of(Array.from({ length: 33 }, () => '*=1'))[0], 'must have at most 32 entries')
  for (const rule of [
    '60',
    '=60',
    '*.ts',
    '*.ts=',
    '*.ts=0',
    '*.ts=-1',
    '*.ts=1.5',
    'a,b=1',
    `${'a'.repeat(257)}=1`,
  ]) {
    t.match(of([rule])[0], 'must be a list of entries such as "*.m3u8=60"', rule)
  }
  t.match(of('*=1')[0], 'must be a list of strings')
  t.match(of([1])[0], 'must be a list of entries')
})
