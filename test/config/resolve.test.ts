import t from 'tap'
import { HeadwaterError } from '../../src/base/errors.ts'
import { PROFILE_DEFINITIONS } from '../../src/config/profiles.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigSources } from '../../src/config/resolve.ts'
import { PROFILES } from '../../src/config/schema.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { settingValue } from '../../src/config/setting-value.ts'
import { configProblems } from './config-problems.ts'

const json = (value: unknown, path = 'headwater.config.json') => ({
  path,
  text: JSON.stringify(value),
})
const flag = (path: string, text: string, flag: string) => new Map([[path, { text, flag }]])

t.test('without any source every setting has its default', async (t) => {
  const { config, sources, warnings } = resolveConfig({})
  for (const { path, defaultValue } of SETTINGS) {
    t.strictSame(settingValue(config, path), defaultValue, path)
    t.equal(sources.get(path), 'default', path)
  }
  t.strictSame(warnings, [])
})

t.test('default < profile < file < environment < flag < option', async (t) => {
  const given: ConfigSources = {
    overrides: { http: { shutdownDelaySeconds: 1 } },
    flags: flag('http.shutdownDelaySeconds', '2', '--http-shutdown-delay-seconds'),
    env: { HEADWATER_HTTP_SHUTDOWN_DELAY_SECONDS: '3' },
    file: json({ profile: 'staging', http: { shutdownDelaySeconds: 4 } }),
  }
  const steps: [ConfigSources, number, string][] = [
    [given, 1, 'option'],
    [{ ...given, overrides: {} }, 2, 'flag --http-shutdown-delay-seconds'],
    [{ env: given.env ?? {}, file: given.file }, 3, 'env HEADWATER_HTTP_SHUTDOWN_DELAY_SECONDS'],
    [{ file: given.file }, 4, 'file headwater.config.json'],
    [{ file: json({ profile: 'staging' }) }, 5, 'profile staging'],
    [{}, 0, 'default'],
  ]
  for (const [sources, value, source] of steps) {
    const resolved = resolveConfig(sources)
    t.equal(resolved.config.http.shutdownDelaySeconds, value, source)
    t.equal(resolved.sources.get('http.shutdownDelaySeconds'), source)
  }
})

t.test('the profile itself follows the same order', async (t) => {
  const file = json({ profile: 'staging' })
  const env = { HEADWATER_PROFILE: 'momento' }
  const flags = flag('profile', 'dev', '--profile')
  t.equal(resolveConfig({ file, env, flags }).config.auth.devKeys, true)
  t.equal(resolveConfig({ file, env }).config.emulation.oversizeStatus, 429)
  t.equal(resolveConfig({ file }).config.http.shutdownDelaySeconds, 5)
  const option = resolveConfig({ file, env, flags, overrides: { profile: 'rig' } })
  t.equal(option.config.profile, 'rig')
  t.equal(option.sources.get('auth.devKeys'), 'profile rig')
})

t.test('every profile is accepted and sets what it says', async (t) => {
  for (const profile of PROFILES) {
    const { config, sources } = resolveConfig({ overrides: { profile } })
    for (const [path, source] of sources) {
      if (source !== `profile ${profile}`) continue
      t.strictSame(
        settingValue(config, path),
        settingValue(PROFILE_DEFINITIONS[profile].values, path),
        `${profile} ${path}`,
      )
    }
  }
})

t.test('what the profiles are for', async (t) => {
  const dev = resolveConfig({ overrides: { profile: 'dev' } }).config
  t.match(dev, {
    auth: { devKeys: true, loopbackWithoutKey: true },
    caches: { autoCreate: true },
    log: { level: 'info' },
  })
  const rig = resolveConfig({ overrides: { profile: 'rig' } }).config
  t.match(rig, {
    auth: { devKeys: true, loopbackWithoutKey: false },
    caches: { autoCreate: true },
    rig: { enabled: true },
  })
  t.match(resolveConfig({ overrides: { profile: 'momento' } }).config, {
    emulation: { bothCredentials: 'refuse', ttlRequired: 'always', oversizeStatus: 429 },
    delivery: { contentType: 'octet-stream', cacheControl: false, corsOrigin: 'reflect' },
  })
})

t.test('the result is frozen and not the caller’s own object', async (t) => {
  const items = [{ name: 'a' }]
  const { config } = resolveConfig({ overrides: { caches: { items } } })
  for (const part of [config, config.http, config.http.tls, config.caches.items]) {
    t.ok(Object.isFrozen(part))
  }
  t.ok(Object.isFrozen(config.caches.items[0]))
  t.notOk(Object.isFrozen(items))
  t.notOk(Object.isFrozen(items[0]))
})

t.test('all problems of all sources are told at once', async (t) => {
  const sources: ConfigSources = {
    file: json({ http: { prot: 1, port: '8080' }, expressLane: 1, nonsense: {} }),
    env: { HEADWATER_HTTP_KEEP_ALIVE_SECONDS: '10s' },
    flags: flag('limits.cachesMax', '0', '--limits-caches-max'),
    overrides: { log: { level: 'silent' } },
    problems: [{ setting: '--prot', source: 'command line', fix: 'no such flag' }],
  }
  t.strictSame(configProblems(sources), [
    '--prot (command line): no such flag',
    'limits.cachesMax = 0 (flag --limits-caches-max): must be at least 1',
    'http.keepAliveSeconds = "10s" (env HEADWATER_HTTP_KEEP_ALIVE_SECONDS): must be a number in seconds, digits only, such as 125',
    'http.prot (file headwater.config.json): no such setting; did you mean http.port?',
    'http.port = "8080" (file headwater.config.json): must be a number, without quotes',
    'expressLane = 1 (file headwater.config.json): must be true or false',
    'nonsense (file headwater.config.json): no such setting',
  ])
  t.throws(() => resolveConfig(sources), {
    code: 'HW_CONFIG_INVALID',
    message: 'The configuration has 7 problems.',
  })
})

t.test('a wrong command line alone is a usage error', async (t) => {
  const problems = [{ setting: '--x', source: 'command line', fix: 'no such flag' }]
  t.throws(() => resolveConfig({ problems }), {
    code: 'HW_CLI_USAGE',
    message: 'The command line has 1 problem.',
    detail: '--x (command line): no such flag',
  })
})

t.test('a wrong profile is a problem and does not hide the others', async (t) => {
  t.strictSame(configProblems({ file: json({ profile: 'stagin', dataDir: '' }) }), [
    'profile = "stagin" (file headwater.config.json): must be one of "default", "dev", "momento", "rig", "staging"; did you mean staging?',
    'dataDir = "" (file headwater.config.json): must not be empty',
  ])
})

t.test('a long or odd value is shortened and cleared of credentials', async (t) => {
  const url = `ftp://user:hunter2@example.com/${'x'.repeat(200)}`
  const [line = ''] = configProblems({ overrides: { http: { publicUrl: url } } })
  t.notMatch(line, 'hunter2')
  t.ok(line.length < 250)
})

t.test('undefined in an option counts as not given', async (t) => {
  const overrides = { http: { port: undefined } } as unknown as { http: object }
  t.equal(resolveConfig({ overrides }).config.http.port, 8080)
})

t.test('errors are HeadwaterErrors that blame the operator', async (t) => {
  try {
    resolveConfig({ env: { HEADWATER_HTTP_PORT: 'x' } })
    t.fail('accepted')
  } catch (error) {
    t.ok(error instanceof HeadwaterError)
    t.match(error, { blame: 'operator' })
  }
})
