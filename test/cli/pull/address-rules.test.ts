import t from 'tap'
import { AddressRules, isCidr } from '../../../src/cli/pull/address-rules.ts'

const rules = (allowPrivate: boolean, allowed: readonly string[] = []) =>
  new AddressRules({ allowPrivate, allowed })

const PUBLIC = ['8.8.8.8', '93.184.216.34', '2606:2800:220:1::1', '100.128.0.1', '172.32.0.1']
const PRIVATE = [
  ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['100.64.0.1', '::1', 'fc00::1', 'fd12:3456::1'],
]
const NEVER_BY_PRIVATE = [
  // Link-local and metadata.
  ...['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', '100.100.100.200'],
  // Special ranges.
  ...['0.0.0.0', '0.1.2.3', '192.0.0.192', '192.0.2.1', '198.18.0.1', '203.0.113.9', '224.0.0.1'],
  ...['239.1.2.3', '240.0.0.1', '255.255.255.255', '::', 'ff02::1', '2001:db8::1', '100::1'],
  ...['fec0::1', '3fff::1', '5f00::1', '4000::1', '0:1::1'],
  // IPv4 in IPv6, private or not.
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::7f00:1', '::8.8.8.8'],
  ...['64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::1', '2002:7f00:1::', '2001::1'],
]

t.test('what is public may be asked; all else may not', async (t) => {
  for (const address of PUBLIC) t.equal(rules(false).check(address), undefined, address)
  for (const address of [...PRIVATE, ...NEVER_BY_PRIVATE]) {
    t.ok(rules(false).check(address), address)
  }
  t.equal(rules(false).check('example.com'), 'no address')
})

t.test('--allow-private opens private networks, and nothing else', async (t) => {
  for (const address of [...PUBLIC, ...PRIVATE]) {
    t.equal(rules(true).check(address), undefined, address)
  }
  for (const address of NEVER_BY_PRIVATE) t.ok(rules(true).check(address), address)
})

t.test('--allow-address opens what it names', async (t) => {
  const some = rules(false, ['10.1.0.0/16', '169.254.169.254', 'fd00::/8', '64:ff9b::/96'])
  for (const address of ['10.1.255.1', '169.254.169.254', 'fd12::1', '64:ff9b::808:808']) {
    t.equal(some.check(address), undefined, address)
  }
  // The prefix is fine, what is behind it is not.
  for (const address of ['10.2.0.1', '169.254.169.253', 'fc00::1', '64:ff9b::7f00:1', '::1']) {
    t.ok(some.check(address), address)
  }
  t.equal(rules(false, ['64:ff9b::/96', '10.0.0.0/8']).check('64:ff9b::a00:1'), undefined)
})

t.test('addresses and ranges of the command line', async (t) => {
  for (const text of ['1.2.3.4', '1.2.3.0/24', '::1', 'fd00::/8', '0.0.0.0/0', '::/128']) {
    t.ok(isCidr(text), text)
  }
  for (const text of ['', '1.2.3', '1.2.3.4/33', '::1/129', '1.2.3.4/', '1.2.3.4/8/8', 'host/8']) {
    t.notOk(isCidr(text), text)
  }
})
