/** docker/cdn/render.sh: what goes into a CDN's configuration, and what is refused. */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const CDN = fileURLToPath(new URL('../../docker/cdn/', import.meta.url))
const TEMPLATES = ['varnish/default.vcl', 'nginx/nginx.conf'] as const
const KEY = 'player-KEY.0123456789+/=_~'

function render(template: string, env: Readonly<Record<string, string>>) {
  return spawnSync('sh', [join(CDN, 'render.sh'), join(CDN, template)], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
  })
}

/** Without comments: they name the parameters. */
function code(text: string): string {
  return text.replace(/^\s*#.*$/gm, '')
}

// The script is for the images and for servers; there is no sh on Windows.
t.test('render.sh', { skip: process.platform === 'win32' && 'needs sh' }, async (t) => {
  t.test('fills in every parameter, with defaults', async (t) => {
    for (const template of TEMPLATES) {
      const { status, stdout, stderr } = render(template, { PLAYER_KEY: KEY })
      t.equal(status, 0, stderr)
      t.notMatch(code(stdout), /@[A-Z_]+@/)
      t.ok(code(stdout).includes(`"${KEY}"`))
      t.ok(code(stdout).includes('/cache/live-origin'))
    }
  })

  t.test('two origins: their second one is named, and asked; without it nothing is', async (t) => {
    const env = { PLAYER_KEY: KEY, ORIGIN_B_HOST: 'b.example', ORIGIN_B_PORT: '81' }
    const twin = render('varnish/twin.vcl', env)
    t.equal(twin.status, 0, twin.stderr)
    t.match(code(twin.stdout), '.host = "b.example";')
    t.match(code(twin.stdout), '.port = "81";')
    t.notMatch(code(twin.stdout), /@[A-Z_]+@/)
    t.equal(render('varnish/twin.vcl', { PLAYER_KEY: KEY }).status, 2)
    t.match(
      code(render('nginx/nginx.conf', env).stdout),
      /server b\.example:81 max_fails=0 backup;/,
    )
    t.match(code(render('nginx/nginx.conf', env).stdout), /proxy_next_upstream error .*http_404/)
    const alone = code(render('nginx/nginx.conf', { PLAYER_KEY: KEY }).stdout)
    t.match(alone, /proxy_next_upstream error timeout;/)
    t.notMatch(alone, /backup/)
    t.equal(render('nginx/nginx.conf', { ...env, ORIGIN_B_HOST: 'b"; evil' }).status, 2)
  })

  t.test(
    'reads the key from the file of the first start, and from one with the key alone',
    async (t) => {
      const directory = t.testdir({
        'info.json': JSON.stringify({ apiKey: KEY, refreshToken: 'refresh-secret' }, undefined, 2),
        key: `${KEY}\n`,
      })
      for (const file of ['info.json', 'key']) {
        const { stdout } = render(TEMPLATES[0], { PLAYER_KEY_FILE: join(directory, file) })
        t.ok(stdout.includes(`"${KEY}"`), file)
        t.notOk(stdout.includes('refresh-secret'))
      }
    },
  )

  t.test('refuses what could end a string, and does not show it', async (t) => {
    const bad = ['a"b', 'a;b', 'a|b', 'a&b', 'a\\b', 'a b', 'a$b', "a'b", 'a\nb', 'ä', '{x}']
    for (const value of bad) {
      for (const name of ['PLAYER_KEY', 'ORIGIN_HOST', 'ORIGIN_PORT', 'CACHE_NAME', 'LISTEN']) {
        const { status, stdout, stderr } = render(TEMPLATES[1], { PLAYER_KEY: KEY, [name]: value })
        t.equal(status, 2, `${name}=${JSON.stringify(value)}`)
        t.equal(stdout, '')
        t.notOk(name === 'PLAYER_KEY' && stderr.includes(value))
      }
    }
  })

  t.test('says what is missing', async (t) => {
    t.match(render(TEMPLATES[0], {}).stderr, /PLAYER_KEY_FILE or PLAYER_KEY/)
    const none = join(t.testdir({}), 'none')
    t.match(render(TEMPLATES[0], { PLAYER_KEY_FILE: none }).stderr, /cannot be read/)
    const https = { PLAYER_KEY: KEY, ORIGIN_SCHEME: 'https' }
    t.match(render(TEMPLATES[0], https).stderr, /no TLS to an origin/)
    t.match(render(TEMPLATES[1], https).stdout, /proxy_pass https:\/\/origin/)
    t.equal(render(TEMPLATES[1], { PLAYER_KEY: KEY, ORIGIN_SCHEME: 'ftp' }).status, 2)
  })

  t.test('a dot of the cache name is a dot', async (t) => {
    for (const template of TEMPLATES) {
      const { stdout } = render(template, { PLAYER_KEY: KEY, CACHE_NAME: 'live.one' })
      t.ok(stdout.includes('^/cache/live[.]one'))
      t.ok(stdout.includes('/cache/live.one'))
    }
  })

  t.test('the templates hold no key of their own', async (t) => {
    for (const template of TEMPLATES) {
      t.match(code(readFileSync(join(CDN, template), 'utf8')), /"@PLAYER_KEY@"/)
    }
    const copy = join(t.testdir({}), 'copy.conf')
    writeFileSync(copy, '@PLAYER_KEY@')
    t.equal(spawnSync('sh', [join(CDN, 'render.sh'), copy], { env: { PLAYER_KEY: KEY } }).status, 0)
  })
})
