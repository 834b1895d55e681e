import t from 'tap'
import { acceptsGzip } from '../../src/wire/accept-encoding.ts'

t.test('gzip is sent to who names it', async (t) => {
  for (const header of [
    'gzip',
    'gzip, deflate, br, zstd',
    'deflate, gzip',
    'GZIP;q=0.5',
    'x-gzip',
    '*',
    'br;q=1, *;q=0.1',
    'identity;q=1, gzip; q=0.001',
    'gzip, identity;q=1, *;q=0',
  ]) {
    t.ok(acceptsGzip(header), header)
  }
})

t.test('and to nobody else', async (t) => {
  for (const header of [
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip; q=0.000',
    '*;q=0',
    'br, gzip;q=0, *',
    'gzipped',
    'nonsense;;;=,',
    `${'x,'.repeat(50)}gzip`,
  ]) {
    t.notOk(acceptsGzip(header), String(header))
  }
})
