import t from 'tap'
import { formatValkeyAddress, parseValkeyUrl } from '../../src/storage/valkey/valkey-url.ts'

t.test('one server, with defaults', async (t) => {
  t.same(parseValkeyUrl('redis://localhost'), {
    tls: false,
    username: '',
    password: '',
    hosts: [{ host: 'localhost', port: 6379 }],
    database: 0,
    sentinel: undefined,
  })
})

t.test('user, password, TLS, database, several hosts', async (t) => {
  const address = parseValkeyUrl('valkeys://me:p%40ss%2Fword@a:1,[::1]:2,c/3')
  t.match(address, { tls: true, username: 'me', password: 'p@ss/word', database: 3 })
  t.same(address?.hosts, [
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
    { host: 'c', port: 6379 },
  ])
  t.equal(address && formatValkeyAddress(address), 'valkeys://a:1,[::1]:2,c:6379/3')
})

t.test('Sentinels', async (t) => {
  const address = parseValkeyUrl('redis://:secret@s1,s2:5/0?sentinel=main')
  t.match(address, { password: 'secret', username: '' })
  t.same(address?.sentinel, { name: 'main', username: '', password: '', tls: false })
  t.same(address?.hosts, [
    { host: 's1', port: 26_379 },
    { host: 's2', port: 5 },
  ])
  t.equal(address && formatValkeyAddress(address), 'valkey://s1:26379,s2:5/0?sentinel=main')
})

t.test('Sentinels with a password of their own, with TLS and without', async (t) => {
  const query = 'sentinel=main&sentinelUsername=guard&sentinelPassword=p%2Bw%26'
  const address = parseValkeyUrl(`valkeys://me:secret@s1/0?${query}`)
  t.same(address?.sentinel, { name: 'main', username: 'guard', password: 'p+w&', tls: true })
  t.equal(address && formatValkeyAddress(address), 'valkeys://s1:26379/0?sentinel=main')
  const plain = parseValkeyUrl('valkeys://s1?sentinel=main&sentinelTls=no')
  t.match(plain, { tls: true, sentinel: { tls: false } })
})

t.test('what is no such URL', async (t) => {
  const many = `redis://${Array.from({ length: 65 }, (_, index) => `h${index}`).join(',')}`
  for (const url of [
    ...['', 'localhost', 'http://a', 'redis://', 'redis://a:0', 'redis://a:65536', 'redis://a,,b'],
    ...[
      'redis://a/x',
      'redis://a?sentinel=',
      'redis://a?sentinel=a%20b',
      'redis://a?sentinelPassword=x',
      'redis://a?sentinel=a&sentinel=b',
      'redis://a?sentinel=a&sentinelTls=1',
      'redis://a?cluster=1',
      'redis://%zz@a',
      'redis://a b',
    ],
    many,
  ]) {
    t.equal(parseValkeyUrl(url), undefined, url)
  }
  t.equal(parseValkeyUrl(many.slice(0, many.lastIndexOf(',')))?.hosts.length, 64)
})
