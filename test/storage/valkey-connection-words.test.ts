import t from 'tap'
import { explainNoConnection } from '../../src/storage/valkey/valkey-connection-words.ts'
import { parseValkeyUrl } from '../../src/storage/valkey/valkey-url.ts'

function explain(url: string, ...reasons: readonly string[]) {
  const address = parseValkeyUrl(url)
  if (address === undefined) throw new Error('not a URL')
  return explainNoConnection(reasons, address)
}

// What ioredis 6, Node and OpenSSL 3 say.
const CASES = [
  ['redis://a', 'WRONGPASS invalid username-password pair', /correct it in storage\.valkey\.url/],
  ['redis://a', 'NOAUTH Authentication required.', /valkey:\/\/user:password@host/],
  [
    'redis://a?sentinel=main',
    'failed to connect to sentinel a:26379 because WRONGPASS invalid username-password pair',
    /the Sentinels have another user or password: set storage\.valkey\.sentinelPassword/,
  ],
  [
    'rediss://a',
    "Hostname/IP does not match certificate's altnames: IP: 10.0.0.1 is not in the cert's list: ",
    /is for other names/,
  ],
  ['rediss://a', 'certificate has expired', /renew it/],
  ['rediss://a', 'unable to verify the first certificate', /storage\.valkey\.caFile/],
  [
    'rediss://a',
    'ssl3_read_bytes:tlsv13 alert certificate required:SSL alert number 116',
    /set storage\.valkey\.certFile and keyFile/,
  ],
  ['rediss://a', 'ssl3_get_record:wrong version number', /does not speak TLS on this port/],
  ['redis://a?sentinel=main', 'ERR No such master with that name', /no primary called main/],
  ['redis://a?sentinel=main', "ERR unknown command 'sentinel'", /is no Sentinel/],
] as const

t.test('what asking again does not change is final, and says what to set', async (t) => {
  for (const [url, reason, expected] of CASES) {
    t.match(explain(url, reason), { isFinal: true, text: expected }, reason)
  }
})

t.test('what may pass is not final', async (t) => {
  for (const [url, reason, expected] of [
    ['redis://a', 'getaddrinfo ENOTFOUND a', /the name is not known/],
    ['redis://a', 'connect ECONNREFUSED 127.0.0.1:6379', /nothing listens there/],
    ['redis://a', 'Connection is closed.', /write valkeys:\/\//],
    ['rediss://a', 'read ECONNRESET', /may not speak TLS on this port/],
    ['redis://a', 'connect ETIMEDOUT', /storage\.timeoutMs/],
    ['rediss://a', 'no answer in time', /its tls-port\? Without TLS, write valkey:/],
    ['redis://a', 'LOADING Redis is loading the dataset in memory', /LOADING/],
  ] as const) {
    t.match(explain(url, reason), { isFinal: false, text: expected }, reason)
  }
  t.match(explain('redis://a'), { isFinal: false, text: /no reason/ })
})

t.test('what tells more comes first, and not all of it', async (t) => {
  const { text } = explain(
    'redis://a?sentinel=main',
    `All sentinels are unreachable. Retrying from scratch after 50ms. Last error: connect ECONNREFUSED ${'x'.repeat(400)}`,
    'Connection is closed.',
  )
  t.match(text, /^no connection: Sentinels: Last error: connect ECONNREFUSED x+: nothing listens/)
  t.ok(text.length < 300)
})
