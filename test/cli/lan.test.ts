import type { NetworkInterfaceInfo } from 'node:os'
import t from 'tap'
import { lanAddresses, withLan } from '../../src/cli/lan.ts'
import { resolveConfig } from '../../src/config/resolve.ts'

function ipv4(address: string, internal = false): NetworkInterfaceInfo {
  return { address, internal, family: 'IPv4', netmask: '', mac: '', cidr: null }
}

t.test('private addresses of real interfaces come first', async (t) => {
  const addresses = lanAddresses({
    lo: [ipv4('127.0.0.1', true)],
    eth1: [ipv4('203.0.113.7')],
    docker0: [ipv4('172.17.0.1')],
    eth0: [ipv4('192.168.1.20'), { ...ipv4('::'), family: 'IPv6', address: 'fe80::1', scopeid: 2 }],
    en5: [ipv4('169.254.3.4')],
    gone: undefined,
  })
  t.strictSame(addresses, ['192.168.1.20', '172.17.0.1', '203.0.113.7'])
})

t.test('listens everywhere and says the network URL', async (t) => {
  const { http, admin } = await withLan(resolveConfig({}), ['192.168.1.20'])
  t.match(http, { host: '*', port: 8080, publicUrl: 'http://192.168.1.20:8080' })
  t.equal(admin.host, 'localhost')
})

t.test('a free port is chosen before, since the URL has it', async (t) => {
  const { http } = await withLan(resolveConfig({ overrides: { http: { port: 0 } } }), ['10.0.0.9'])
  t.not(http.port, 0)
  t.equal(http.publicUrl, `http://10.0.0.9:${http.port}`)
})

t.test('what the operator set stays', async (t) => {
  const overrides = { http: { host: '0.0.0.0', publicUrl: 'https://origin.example.com' } }
  const { http } = await withLan(resolveConfig({ overrides }), ['10.0.0.9'])
  t.match(http, overrides.http)
  const loopback = resolveConfig({ overrides: { http: { host: '::1' } } })
  await t.rejects(withLan(loopback, []), { code: 'HW_CLI_USAGE' })
})

t.test('a machine without a network keeps its own URL', async (t) => {
  t.equal((await withLan(resolveConfig({}), [])).http.publicUrl, '')
})
