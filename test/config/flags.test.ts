import t from 'tap'
import { parseSettingsFlags } from '../../src/config/flags.ts'

const OWN = { json: 'boolean', cache: 'string', bitrate: 'strings', h: 'boolean' } as const

t.test('flags of settings, of the command, and words', async (t) => {
  const { flags, own, positionals, problems } = parseSettingsFlags(
    [
      'list',
      '--port',
      '9000',
      '--json',
      '--data-dir=/a=b',
      '--cache',
      'live',
      '-h',
      '-',
      '--',
      '--x',
    ],
    OWN,
  )
  t.strictSame(Object.fromEntries(flags), {
    'http.port': { text: '9000', flag: '--port' },
    dataDir: { text: '/a=b', flag: '--data-dir' },
  })
  t.strictSame(own, { json: true, cache: 'live', h: true })
  t.strictSame(positionals, ['list', '-', '--x'])
  t.strictSame(problems, [])
})

t.test('booleans', async (t) => {
  const cases: [string[], string, string[]][] = [
    [['--caches-auto-create'], 'true', []],
    [['--caches-auto-create', 'live'], 'true', ['live']],
    [['--caches-auto-create', 'false'], 'false', []],
    [['--caches-auto-create', 'true'], 'true', []],
    [['--caches-auto-create=false'], 'false', []],
    [['--no-caches-auto-create'], 'false', []],
    [['--no-caches-auto-create', '--caches-auto-create'], 'true', []],
  ]
  for (const [argv, text, words] of cases) {
    const parsed = parseSettingsFlags(argv, {})
    t.equal(parsed.flags.get('caches.autoCreate')?.text, text, argv.join(' '))
    t.strictSame(parsed.positionals, words)
    t.strictSame(parsed.problems, [])
  }
  t.strictSame(parseSettingsFlags(['--no-json'], OWN).own, { json: false })
  t.strictSame(parseSettingsFlags(['--json=false'], OWN).own, { json: false })
})

t.test('the last one wins, lists add up', async (t) => {
  const { flags, own } = parseSettingsFlags(
    [
      '--port=1',
      '--http-port=2',
      '--http-trusted-proxies',
      '::1',
      '--http-trusted-proxies=10.0.0.1',
    ].concat(['--cache', 'a', '--cache=b', '--bitrate=1', '--bitrate', '2']),
    OWN,
  )
  t.strictSame(flags.get('http.port'), { text: '2', flag: '--http-port' })
  t.equal(flags.get('http.trustedProxies')?.text, '::1,10.0.0.1')
  t.strictSame(own, { cache: 'b', bitrate: ['1', '2'] })
})

t.test('a value may be empty, negative or have line breaks', async (t) => {
  const { flags, problems } = parseSettingsFlags(
    ['--http-public-url=', '--port', '-1', '--caches-items=[\n]'],
    {},
  )
  t.equal(flags.get('http.publicUrl')?.text, '')
  t.equal(flags.get('http.port')?.text, '-1')
  t.equal(flags.get('caches.items')?.text, '[\n]')
  t.strictSame(problems, [])
})

t.test('what is wrong with a command line', async (t) => {
  const cases: [string[], string, string][] = [
    [['--prot'], '--prot', 'no such flag; did you mean --port?'],
    [['--chache=x'], '--chache', 'did you mean --cache?'],
    [['--zzzzzzzzzzz=1'], '--zzzzzzzzzzz', 'no such flag'],
    [['-x'], '-x', 'no such flag'],
    [['-port', '1'], '-port', 'did you mean --port?'],
    [['--h'], '--h', 'no such flag'],
    [['---port'], '---port', 'no such flag'],
    [['--port'], '--port', 'needs a value'],
    [['--port', '--json'], '--port', 'needs a value'],
    [['--cache'], '--cache', 'needs a value'],
    [['--json=maybe'], '--json', 'takes no value'],
    [['--no-caches-auto-create=1'], '--no-caches-auto-create', 'takes no value'],
    [['--no-port'], '--no-port', 'no such flag'],
    [['--toString'], '--toString', 'no such flag'],
  ]
  for (const [argv, setting, fix] of cases) {
    const { problems } = parseSettingsFlags(argv, OWN)
    t.equal(problems.length, 1, argv.join(' '))
    t.match(problems[0], { setting, source: 'command line' })
    t.match(problems[0]?.fix, fix)
  }
})

t.test('a secret has no flag, and its value goes nowhere', async (t) => {
  for (const argv of [['--auth-signing-key', 'hunter2'], ['--auth-signing-key=hunter2']]) {
    const parsed = parseSettingsFlags(argv, OWN)
    t.match(parsed.problems, [
      { setting: 'auth.signingKey', fix: /HEADWATER_AUTH_SIGNING_KEY_FILE/ },
    ])
    t.notMatch(JSON.stringify([parsed, [...parsed.flags]]), 'hunter2')
  }
})
