import t from 'tap'
import { FORMATS } from '../../src/config/formats.ts'
import {
  SECTIONS,
  SETTINGS,
  secretsByFlag,
  settingsByFlag,
  settingsByPath,
} from '../../src/config/settings.ts'
import { COMMAND_ENV_NAMES } from '../../src/config/env-names.ts'

t.test('names are derived from the path', async (t) => {
  const setting = settingsByPath.get('hotStore.sizeBytesMax')
  t.equal(setting?.envName, 'HEADWATER_HOT_STORE_SIZE_BYTES_MAX')
  t.strictSame(setting?.flagNames, ['hot-store-size-bytes-max'])
  t.equal(setting?.unit, 'bytes')
  t.equal(setting?.type, 'integer')
  t.equal(setting?.defaultValue, 0)
  t.equal(settingsByPath.get('http.keepAliveSeconds')?.unit, 'seconds')
  t.equal(settingsByPath.get('auth.failuresPerSecondMax')?.unit, undefined)
  t.equal(settingsByPath.get('dataDir')?.section, '')
  t.equal(settingsByPath.get('http.tls.port')?.section, 'http.tls')
})

t.test('--port and --host are short for those of the data plane', async (t) => {
  t.equal(settingsByFlag.get('port')?.path, 'http.port')
  t.equal(settingsByFlag.get('host')?.path, 'http.host')
  t.equal(settingsByFlag.get('data-dir')?.path, 'dataDir')
})

t.test('a secret has no flag and a variable for a file', async (t) => {
  const secret = settingsByPath.get('auth.signingKey')
  t.strictSame(secret?.flagNames, [])
  t.equal(secret?.envFileName, 'HEADWATER_AUTH_SIGNING_KEY_FILE')
  t.equal(settingsByFlag.has('auth-signing-key'), false)
  t.equal(secretsByFlag.get('auth-signing-key'), secret)
  t.equal(settingsByPath.get('http.port')?.envFileName, undefined)
})

t.test('no two settings share a variable or a flag', async (t) => {
  const envNames = SETTINGS.flatMap(({ envName, envFileName }) =>
    [envName, envFileName ?? []].flat(),
  )
  envNames.push(...COMMAND_ENV_NAMES)
  t.equal(new Set(envNames).size, envNames.length)
  const flagNames = SETTINGS.flatMap(({ flagNames, type }) =>
    type === 'boolean' ? [...flagNames, ...flagNames.map((name) => `no-${name}`)] : flagNames,
  )
  t.equal(new Set(flagNames).size, flagNames.length)
})

t.test('every setting and group says what it is for', async (t) => {
  for (const { path, description, itemSettings } of SETTINGS) {
    t.not(description, '', path)
    for (const field of itemSettings) t.not(field.description, '', `${path}[].${field.path}`)
  }
  for (const { path, description } of SECTIONS) if (path !== '') t.not(description, '', path)
})

t.test('every format belongs to a setting', async (t) => {
  for (const path of Object.keys(FORMATS)) t.ok(settingsByPath.has(path), path)
})
