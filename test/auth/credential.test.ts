import t from 'tap'
import {
  CREDENTIAL_CHARS_MAX,
  WRAPPER_PREFIX,
  credentialFromAuthorization,
  unwrapCredential,
  wrapCredential,
} from '../../src/auth/credential.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

t.test('an Authorization header gives its credential', async (t) => {
  const cases: readonly [string, string, string | undefined][] = [
    ['raw', 'eyJabc', 'eyJabc'],
    ['raw with spaces around', '  eyJabc\t', 'eyJabc'],
    ['raw that starts like a scheme', 'basically-a-secret', 'basically-a-secret'],
    ['unknown scheme', 'Digest username="x"', 'Digest username="x"'],
    ['Bearer', 'Bearer abc.def', 'abc.def'],
    ['bearer in capitals, many spaces', 'BEARER \t abc', 'abc'],
    ['Basic with the key as password', basic('momento:the-key'), 'the-key'],
    ['Basic without a user', basic(':the-key'), 'the-key'],
    ['Basic, colons in the password', basic('u:a:b'), 'a:b'],
    ['Basic without a password', basic('the-key:'), 'the-key'],
    ['Basic without a colon', basic('the-key'), 'the-key'],
    ['bAsIc without padding', basic('momento:key1').replace(/=+$/, '').replace('B', 'b'), 'key1'],
    ['Basic in the URL alphabet', 'Basic dT1-Pz8_', 'u=~???'],
    ['empty', '', undefined],
    ['spaces only', '  \t ', undefined],
    ['bare Basic', 'Basic', undefined],
    ['bare Bearer and a space', 'Bearer ', undefined],
    ['Basic, nothing in it', basic(':'), undefined],
    ['Basic, not base64', 'Basic !!!!', undefined],
    ['Basic, base64 with rubbish in it', 'Basic bW9t ZW50bzprZXk=', undefined],
    ['Basic, an impossible length', 'Basic abcde', undefined],
    ['Basic, padding alone', 'Basic ====', undefined],
  ]
  for (const [name, header, expected] of cases) {
    t.equal(credentialFromAuthorization(header), expected, name)
  }
})

t.test('a header over 8,192 chars is not decoded', async (t) => {
  const long = basic(`u:${'x'.repeat(6200)}`)
  t.ok(long.length > 8192)
  t.equal(credentialFromAuthorization(long), long)
  const short = `Bearer ${'x'.repeat(8192 - 7)}`
  t.equal(credentialFromAuthorization(short)?.length, 8192 - 7)
})

t.test('a v1 wrapper gives its inner JWT, whatever happened to its padding', async (t) => {
  for (const jwt of ['a.b.c', 'a.b.cd', 'a.b.cde']) {
    const wrapper = wrapCredential('localhost:8080', jwt)
    const bare = wrapper.replace(/=+$/, '')
    t.ok(wrapper.startsWith(WRAPPER_PREFIX))
    for (const form of [wrapper, bare, `${bare}=`, `${bare}====`, `${bare}%3D%3d`]) {
      t.equal(unwrapCredential(form), jwt, form)
    }
  }
})

t.test('a wrapper of somebody else may hold + and /, even as a space', async (t) => {
  const wrapper = Buffer.from('{"endpoint":"a>>>???","api_key":"k"}').toString('base64')
  t.match(wrapper, /[+/]/)
  t.equal(unwrapCredential(wrapper), 'k')
  t.equal(unwrapCredential(wrapper.replaceAll('+', ' ')), 'k')
  t.equal(unwrapCredential(wrapper.replaceAll('+', '-').replaceAll('/', '_')), 'k')
})

t.test('what is not a wrapper is the credential itself', async (t) => {
  t.equal(unwrapCredential('a.b.c'), 'a.b.c')
  t.equal(unwrapCredential('a secret'), 'a secret')
})

t.test('a wrapper that cannot be read is no credential', async (t) => {
  const encode = (text: string) => Buffer.from(text).toString('base64')
  for (const [name, text] of [
    ['not base64', `${WRAPPER_PREFIX}!`],
    ['not JSON', encode('{"endpoint":')],
    ['no api_key', encode('{"endpoint":"x"}')],
    ['empty api_key', encode('{"endpoint":"x","api_key":""}')],
    ['api_key is no text', encode('{"endpoint":"x","api_key":1}')],
  ] as const) {
    t.equal(unwrapCredential(text), undefined, name)
  }
})

t.test('a wrapper is read up to 4,096 chars and refused above', async (t) => {
  const overhead = wrapCredential('h', '').length
  const atBound = wrapCredential('h', 'x'.repeat(((CREDENTIAL_CHARS_MAX - overhead) / 4) * 3))
  t.equal(atBound.length, CREDENTIAL_CHARS_MAX)
  t.type(unwrapCredential(atBound), 'string')
  t.equal(unwrapCredential(`${atBound}=`), undefined)
})

t.test('a wrapper never contains + or /', async (t) => {
  for (const endpoint of ['a~b?c>d', 'häuser.example', '\u007f?', '{"}']) {
    for (let offset = 0; offset < 3; offset++) {
      const wrapper = wrapCredential('x'.repeat(offset) + endpoint, 'a.b.c')
      t.notMatch(wrapper, /[+/]/)
      t.equal(unwrapCredential(wrapper), 'a.b.c')
      const json: unknown = JSON.parse(Buffer.from(wrapper, 'base64').toString())
      t.match(json, { endpoint: 'x'.repeat(offset) + endpoint })
    }
  }
})
