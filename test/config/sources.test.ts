import t from 'tap'
import { findJsonFault } from '../../src/config/json-syntax.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { configProblems } from './config-problems.ts'

const SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2'

t.test('the file may name its schema and start with a byte order mark', async (t) => {
  const text = '\uFEFF{"$schema":"./x.json","http":{"port":9000}}'
  t.equal(resolveConfig({ file: { path: 'f', text } }).config.http.port, 9000)
})

t.test('a syntax error names file, line and column', async (t) => {
  const text = '{\n  "http": {\n    "port": 8080,\n  }\n}\n'
  t.strictSame(configProblems({ file: { path: 'f.json', text } }), [
    'file f.json, line 4, column 3: a name in double quotes must be here; a comma before a bracket is one too many',
  ])
})

t.test('faults of JSON are found where they are', async (t) => {
  const cases: [string, number, number, string][] = [
    ['', 1, 1, 'the text ends where a value must be'],
    ['{', 1, 2, 'the text ends where a name'],
    ['{"a"', 1, 5, 'the text ends where a colon'],
    ['{"a":1', 1, 7, 'the text ends where a comma or }'],
    ['[1', 1, 3, 'the text ends where a comma or ]'],
    ['[1,]', 1, 4, 'one too many'],
    ['{"a" 1}', 1, 6, 'a colon must be here'],
    ["{'a':1}", 1, 2, 'double quotes'],
    ['{a:1}', 1, 2, 'a name in double quotes'],
    ['// x\n{}', 1, 1, 'no comments'],
    ['{"a":1 /* x */}', 1, 8, 'no comments'],
    ['{"a":"C:\\dir"}', 1, 6, 'backslash'],
    ['{"a":"x\n"}', 1, 6, 'does not end on its line'],
    ['{"a', 1, 2, 'does not end'],
    ['{"a":tru}', 1, 6, 'a value must be here'],
    ['{"a":01}', 1, 7, 'a comma or } must be here'],
    ['{} {}', 1, 4, 'nothing may follow'],
    ['{"a":1,\r\n"a":2}', 2, 1, 'the name "a" is here twice'],
    ['{"a":1,"\\u0061":2}', 1, 8, 'twice'],
    [`${'['.repeat(70)}`, 1, 66, 'nested too deeply'],
  ]
  for (const [text, line, column, fix] of cases) {
    const fault = findJsonFault(text)
    t.match(fault, { line, column }, text)
    t.match(fault?.fix, fix, text)
  }
  const good = [
    '{}',
    ' [ ] ',
    '{"a":[1,-2.5e+3,true,false,null,"\\u00e9\\n"],"b":{"a":{}}}',
    '"x"',
    '0',
  ]
  for (const text of good) {
    t.equal(findJsonFault(text), undefined, text)
    JSON.parse(text)
  }
})

t.test('the file must be an object of objects', async (t) => {
  t.match(configProblems({ file: { path: 'f', text: '[]' } })[0], 'file f: must be a JSON object')
  t.match(
    configProblems({ file: { path: 'f', text: '{"http":8080}' } })[0],
    'http = 8080 (file f): is a group of settings and must be an object',
  )
})

t.test('unknown names in the file are told with the likely one', async (t) => {
  const cases: [string, string][] = [
    ['{"htttp":{}}', 'htttp (file f): no such setting; did you mean http?'],
    ['{"sizeBytesMax":1}', 'did you mean hotStore.sizeBytesMax?'],
    ['{"http.port":1}', 'write it as an object in an object'],
    ['{"__proto__":{"port":1}}', '__proto__ (file f): no such setting'],
    ['{"constructor":1}', 'constructor (file f): no such setting'],
    ['{"http":{"$schema":"x"}}', 'http.$schema (file f): no such setting'],
  ]
  for (const [text, fix] of cases) t.match(configProblems({ file: { path: 'f', text } })[0], fix)
})

t.test('a secret can come from a file; its line end is not part of it', async (t) => {
  const { config, sources } = resolveConfig({
    env: { HEADWATER_AUTH_SIGNING_KEY_FILE: '/run/secrets/key' },
    readFile: (path) => (path === '/run/secrets/key' ? `${SECRET}\r\n` : ''),
  })
  t.equal(config.auth.signingKey, SECRET)
  t.equal(sources.get('auth.signingKey'), 'env HEADWATER_AUTH_SIGNING_KEY_FILE')
})

t.test('a secret’s file that is missing, empty or one of two is refused', async (t) => {
  const name = 'HEADWATER_AUTH_SIGNING_KEY_FILE'
  const env = { [name]: 'key.txt' }
  const missing = configProblems({
    env,
    readFile: () => {
      throw new Error('ENOENT')
    },
  })
  t.match(missing, [`auth.signingKey (env ${name}): the file cannot be read: ENOENT`])
  t.match(configProblems({ env, readFile: () => '\n' }), [/the file key.txt is empty/])
  t.match(configProblems({ env }), [/files are not read here/])
  const both = { ...env, HEADWATER_AUTH_SIGNING_KEY: SECRET }
  t.match(configProblems({ env: both, readFile: () => SECRET }), [
    /is set as HEADWATER_AUTH_SIGNING_KEY, too; unset one of them/,
  ])
})

t.test('a secret is never in an error', async (t) => {
  const short = 'hunter2'
  const url = 'redis://me:hunter2@db'
  const problems = [
    ...configProblems({ env: { HEADWATER_AUTH_SIGNING_KEY: short } }),
    ...configProblems({ overrides: { auth: { signingKey: short } } }),
    ...configProblems({ file: { path: 'f', text: '{"auth":{"signingKey":["hunter2"]}}' } }),
    ...configProblems({ file: { path: 'f', text: '{"auth":{"signingKey":"hunter2}}' } }),
    ...configProblems({ env: { HEADWATER_STORAGE_VALKEY_URL: url } }),
    ...configProblems({
      env: { HEADWATER_AUTH_SIGNING_KEY_FILE: 'f' },
      readFile: () => short,
    }),
  ]
  t.equal(problems.length, 5)
  t.notMatch(problems.join('\n'), 'hunter2')
})

t.test('unknown variables are warnings without their values', async (t) => {
  const { warnings } = resolveConfig({
    env: {
      HEADWATER_HTTP_PROT: SECRET,
      HEADWATER_ADMIN_URL: 'http://x',
      HEADWATER_ADMIN_KEY: SECRET,
      HEADWATER_CONFIG: 'x',
      PATH: '/bin',
    },
  })
  t.strictSame(warnings, [
    'env HEADWATER_HTTP_PROT: no such setting, ignored; did you mean HEADWATER_HTTP_PORT?',
  ])
})

t.test('what Kubernetes injects for services is one warning and no setting', async (t) => {
  const { config, warnings } = resolveConfig({
    env: {
      HEADWATER_SERVICE_HOST: '10.0.0.1',
      HEADWATER_SERVICE_PORT: '8080',
      HEADWATER_SERVICE_PORT_DATA: '8080',
      HEADWATER_PORT: 'tcp://10.0.0.1:8080',
      HEADWATER_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      HEADWATER_PORT_8080_TCP_ADDR: '10.0.0.1',
      HEADWATER_HTTP_PORT: 'tcp://10.0.0.1:80',
    },
  })
  t.equal(config.http.port, 8080)
  t.equal(warnings.length, 1)
  t.match(warnings[0], 'HEADWATER_HTTP_PORT, HEADWATER_PORT, HEADWATER_PORT_8080_TCP')
})

t.test('HEADWATER_PORT with a number is a person’s mistake', async (t) => {
  const { warnings } = resolveConfig({ env: { HEADWATER_PORT: '9000' } })
  t.match(warnings, [/HEADWATER_PORT: no such setting, ignored; did you mean HEADWATER_HTTP_PORT/])
})
