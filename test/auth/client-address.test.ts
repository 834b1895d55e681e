import t from 'tap'
import {
  ClientAddresses,
  FORWARDED_CHARS_MAX,
  FORWARDED_HOPS_MAX,
  isLoopback,
  networkOf,
} from '../../src/auth/client-address.ts'

const PROXY = '10.0.0.1'
const proxies = new ClientAddresses(['10.0.0.0/8', '2001:db8:1::/48', '::1'])

t.test('the client is the rightmost hop that no trusted proxy vouches for', async (t) => {
  const cases: readonly [string, string, string | undefined, string][] = [
    ['no header', PROXY, undefined, PROXY],
    ['empty header', PROXY, '', PROXY],
    ['one hop', PROXY, '192.0.2.9', '192.0.2.9'],
    ['a forged left side', PROXY, '1.2.3.4, 192.0.2.9', '192.0.2.9'],
    ['two proxies', PROXY, '1.2.3.4, 192.0.2.9, 10.9.9.9', '192.0.2.9'],
    ['only proxies', PROXY, '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['an untrusted remote', '192.0.2.1', '1.2.3.4', '192.0.2.1'],
    ['a garbage hop ends the walk', PROXY, '1.2.3.4, unknown, 10.0.0.2', '10.0.0.2'],
    ['garbage alone', PROXY, '_hidden', PROXY],
    ['a leading comma', PROXY, ',10.0.0.2', '10.0.0.2'],
    ['v4 mapped remote', '::ffff:10.0.0.1', '192.0.2.9', '192.0.2.9'],
    ['v4 mapped hop, hex', PROXY, '::ffff:c000:209', '192.0.2.9'],
    ['IPv6, canonical', '2001:db8:1::5', '2001:DB8:0:0::9', '2001:db8::9'],
    ['hop with a port', PROXY, '192.0.2.9:4711', '192.0.2.9'],
    ['bracketed IPv6 with a port', PROXY, '[2001:db8::9]:4711', '2001:db8::9'],
    ['a zone is dropped', 'fe80::1%eth0', undefined, 'fe80::1'],
    ['no address at all', '', '1.2.3.4', ''],
  ]
  for (const [name, remote, header, expected] of cases) {
    t.equal(proxies.of(remote, header), expected, name)
  }
})

t.test('without trusted proxies the header is not read', async (t) => {
  const addresses = new ClientAddresses([])
  t.equal(addresses.of('127.0.0.1', '1.2.3.4'), '127.0.0.1')
  t.equal(addresses.of('::ffff:1.2.3.4', '9.9.9.9'), '1.2.3.4')
})

t.test('at most 64 hops are walked', async (t) => {
  const hops = (count: number) => ['192.0.2.9', ...Array<string>(count).fill('10.0.0.2')].join(',')
  t.equal(proxies.of(PROXY, hops(FORWARDED_HOPS_MAX - 1)), '192.0.2.9')
  t.equal(proxies.of(PROXY, hops(FORWARDED_HOPS_MAX)), '10.0.0.2')
})

t.test('only the last 4 KiB are read, and no hop that the bound cuts', async (t) => {
  const tail = ',10.0.0.2'
  const padded = (chars: number) => `192.0.2.9${' '.repeat(chars - 9 - tail.length)}${tail}`
  t.equal(proxies.of(PROXY, padded(FORWARDED_CHARS_MAX)), '192.0.2.9')
  t.equal(proxies.of(PROXY, padded(FORWARDED_CHARS_MAX + 1)), '10.0.0.2')
  t.equal(proxies.of(PROXY, `${'9'.repeat(30_000)}, 192.0.2.9`), '192.0.2.9')
  t.equal(proxies.of(PROXY, '1'.repeat(30_000)), PROXY)
})

t.test('trusted proxies are addresses or ranges, all wrong ones are named', async (t) => {
  const wrong = [
    '10.0.0.0/33',
    '::/129',
    'proxy',
    '1.2.3.4/8/8',
    '1.2.3.4/x',
    '',
    '::ffff:1.2.3.4/8',
  ]
  try {
    new ClientAddresses(['10.0.0.1', ...wrong])
    t.fail('accepted')
  } catch (error) {
    t.match(error, { code: 'HW_CONFIG_INVALID' })
    for (const entry of wrong) t.match(String(error), JSON.stringify(entry))
    t.notMatch(String(error), '10.0.0.1"')
  }
  t.equal(new ClientAddresses(['::ffff:10.0.0.0/104']).of(PROXY, '192.0.2.9'), '192.0.2.9')
  t.equal(new ClientAddresses(['10.0.0.1']).of(PROXY, '192.0.2.9, 10.0.0.2'), '10.0.0.2')
})

t.test('loopback is 127.0.0.0/8 and ::1, mapped or not', async (t) => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
    t.equal(isLoopback(address), true, address)
  }
  for (const address of ['128.0.0.1', '127.0.0.1.example', '::2', '::ffff:1.2.3.4', '', 'x']) {
    t.equal(isLoopback(address), false, address)
  }
})

t.test('a network is an IPv4 address or an IPv6 /64', async (t) => {
  const cases: readonly [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:db8:0:1::9', '2001:db8:0:1::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['not an address', 'not an address'],
  ]
  for (const [address, expected] of cases) t.equal(networkOf(address), expected, address)
})
