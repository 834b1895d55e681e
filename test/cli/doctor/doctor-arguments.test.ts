import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadwaterError } from '../../../src/base/errors.ts'
import { readDoctorArguments } from '../../../src/cli/doctor/doctor-arguments.ts'

const KEY = 'an-opaque-player-key'

function read(argv: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = '.') {
  return readDoctorArguments({ env, cwd }, argv)
}

t.test('the URL loses its credential, which becomes the key', async (t) => {
  const cases: readonly [string, string, string | undefined][] = [
    ['http://a/p.m3u8', 'http://a/p.m3u8', undefined],
    ['cdn.example.com/p.m3u8', 'http://cdn.example.com/p.m3u8', undefined],
    [`https://a/p.m3u8?x=1&token=${KEY}&y=2`, 'https://a/p.m3u8?x=1&y=2', KEY],
    ['https://a/p.m3u8?token=a%2Bb', 'https://a/p.m3u8', 'a+b'],
    [`https://momento:${KEY}@a/p.m3u8#here`, 'https://a/p.m3u8', KEY],
    [`https://${KEY}@a/p.m3u8`, 'https://a/p.m3u8', KEY],
    ['https://u:50%25@a/', 'https://a/', '50%'],
    ['https://a/p.m3u8?token=', 'https://a/p.m3u8', undefined],
  ]
  for (const [text, url, key] of cases) {
    const got = read([text])
    t.equal(got.url, url)
    t.equal(got.key, key)
  }
})

t.test('keys come from a flag, a file or the environment', async (t) => {
  const dir = t.testdir()
  writeFileSync(join(dir, 'key.json'), JSON.stringify({ apiKey: KEY }))
  writeFileSync(join(dir, 'key.txt'), `${KEY}\n`)
  const env = { HEADWATER_DOCTOR_KEY: 'of-the-environment', HEADWATER_DOCTOR_SECOND_KEY: 'second' }
  t.equal(read(['a', '--key', KEY], env).key, KEY)
  t.equal(read(['a', '--key-file', 'key.json'], env, dir).key, KEY)
  t.equal(read(['a', '--key-file', join(dir, 'key.txt')]).key, KEY)
  t.equal(read(['a?token=of-the-url'], env).key, 'of-the-environment')
  t.equal(read(['a'], env).secondKey, 'second')
  t.equal(read(['a', '--second-key-file', 'key.txt'], {}, dir).secondKey, KEY)
  t.equal(read(['a', '--json']).asJson, true)
})

t.test('a wrong command line is told, never with a key in it', async (t) => {
  const dir = t.testdir({
    'broken.json': `{"apiKey":"${KEY}"`,
    'other.json': `{"key":"${KEY}"}`,
    'number.json': '{"apiKey":7}',
    'large.txt': KEY.repeat(10_000),
    'binary.txt': '\u0007\u0008',
  })
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /URL is missing/],
    [['http://a', KEY], /One URL at a time/],
    [['ftp://a/p.m3u8'], /Only http/],
    [[`http://${KEY} x/`], /not a URL/],
    [['a', '--keyy', KEY], /--keyy: no such flag/],
    [['a', '--port', '80'], /--port: is a setting of the server/],
    [['a', '--key'], /--key: needs a value/],
    [['a', '--key', KEY, '--key-file', 'x'], /not both/],
    [['a', '--key-file', 'absent.json'], /not there/],
    [['a', '--key-file', 'broken.json'], /has no apiKey/],
    [['a', '--key-file', 'other.json'], /has no apiKey/],
    [['a', '--key-file', 'number.json'], /has no apiKey/],
    [['a', '--key-file', 'large.txt'], /too large/],
    [['a', '--key-file', 'binary.txt'], /no header carries/],
  ]
  for (const [argv, words] of cases) {
    try {
      read(argv, {}, dir)
      t.fail(argv.join(' '))
    } catch (error) {
      if (!(error instanceof HeadwaterError)) throw error
      t.equal(error.code, 'HW_CLI_USAGE')
      const text = `${error.message}\n${error.detail ?? ''}`
      t.match(text, words)
      t.notMatch(text, KEY)
    }
  }
})
