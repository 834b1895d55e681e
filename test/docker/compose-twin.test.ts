/** docker/compose.twin.yaml and what it starts, as far as no engine is needed. */

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { DEV_ENCODER_KEY, DEV_PLAYER_KEY } from '../../src/auth/dev-keys.ts'
import { PROFILES } from '../../src/config/schema.ts'

const DOCKER = new URL('../../docker/', import.meta.url)

interface Service {
  readonly profiles?: readonly string[]
  readonly build: { readonly context: string; readonly dockerfile?: string }
  readonly environment: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
}

// The shape that the tests below look at; a missing part fails them.
const { services } = parse(readFileSync(new URL('compose.twin.yaml', DOCKER), 'utf8'), {
  merge: true,
}) as { readonly services: Readonly<Record<string, Service>> }

t.test('two origins that share nothing, with the stale guard', async (t) => {
  const [a, b] = [services['origin-a'], services['origin-b']]
  t.strictSame(a?.environment, b?.environment)
  t.ok(PROFILES.some((profile) => profile === a?.environment['HEADWATER_PROFILE']))
  t.equal(a?.environment['HEADWATER_CACHES_DEFAULTS_STALE_AFTER_TARGET_DURATIONS'], '3')
  t.not(a?.volumes?.[0], b?.volumes?.[0])
})

t.test('everybody has a key, and knows both origins', async (t) => {
  t.match(services['encoder']?.environment, { ENCODER_KEY: DEV_ENCODER_KEY })
  for (const name of ['varnish', 'nginx']) {
    const expected = {
      PLAYER_KEY: DEV_PLAYER_KEY,
      ORIGIN_HOST: 'origin-a',
      ORIGIN_B_HOST: 'origin-b',
    }
    t.strictSame(services[name]?.environment, expected)
    const { context = '', dockerfile = '' } = services[name]?.build ?? {}
    t.ok(existsSync(new URL(`${context}/${dockerfile}`, DOCKER)), name)
  }
})

t.test(
  'push-twins.sh makes a leg for each origin, and takes no key that could end one',
  { skip: process.platform === 'win32' && 'needs sh' },
  async (t) => {
    const bin = t.testdir({ ffmpeg: '#!/bin/sh\nfor last; do :; done; printf %s "$last"\n' })
    chmodSync(join(bin, 'ffmpeg'), 0o755)
    const push = (env: Readonly<Record<string, string>>) =>
      spawnSync('sh', [fileURLToPath(new URL('encoder/push-twins.sh', DOCKER))], {
        env: { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
        encoding: 'utf8',
      })
    const { stdout, stderr } = push({ ENCODER_KEY: 'k', ORIGIN_URLS: 'http://a:1 http://b:2' })
    t.equal(stderr, '')
    const legs = stdout.split('|')
    t.equal(legs.length, 2)
    t.match(legs[1], /:headers=Authorization\\\\: k:/)
    t.ok(legs[1]?.includes('hls_segment_filename=http\\\\://b\\\\:2/cache/live-origin/live_%d.ts'))
    t.ok(legs[1]?.endsWith(']http://b:2/cache/live-origin/live.m3u8?ttl_seconds=3600'))
    for (const key of ['', 'a|b', 'a]b', 'a:b', 'a b'])
      t.equal(push({ ENCODER_KEY: key }).status, 2, key)
    t.equal(push({ ENCODER_KEY_FILE: '/nowhere' }).status, 2)
  },
)
