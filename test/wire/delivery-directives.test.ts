import t from 'tap'
import { parseItemTarget } from '../../src/wire/target.ts'

const read = (query: string) => parseItemTarget(`/cache/live/a.m3u8?${query}`).directives

t.test('directives of a target, which are no part of its key', async (t) => {
  t.equal(read('token=x'), undefined)
  const target = parseItemTarget('/cache/live?_HLS_msn=5&key=a.m3u8&_HLS_part=0&_HLS_skip=v2')
  t.equal(target.key, 'a.m3u8')
  t.match(target.directives, { msn: 5, part: 0, skip: 'v2', isReloadMalformed: false })
  t.match(read('_HLS_msn=0012'), { msn: 12, part: undefined, skip: undefined })
  t.match(read('_HLS_msn=%31'), { msn: 1, isReloadMalformed: false })
  t.match(read(`_HLS_msn=${Number.MAX_SAFE_INTEGER}`), { msn: Number.MAX_SAFE_INTEGER })
  t.match(read('_HLS_skip=YES'), { skip: 'YES', isSkipMalformed: false })
  t.match(read('_HLS_skip=v3'), { skip: undefined, isSkipMalformed: false }, 'of a later draft')
  t.equal(read('_HLS_other=1&_hls_msn=2'), undefined, 'reserved names without a meaning')
})

t.test('malformed ones', async (t) => {
  const bad = ['', '-1', '1.5', '1e3', '+1', '0x10', ' 1', '%20', '%zz', '%00', 'NaN', 'a']
  for (const value of [...bad, '9007199254740992', '9'.repeat(400)]) {
    t.match(read(`_HLS_msn=${value}`), { isReloadMalformed: true }, value)
    t.match(read(`_HLS_msn=1&_HLS_part=${value}`), { isReloadMalformed: true }, value)
  }
  t.match(read('_HLS_msn'), { isReloadMalformed: true })
  t.match(read('_HLS_msn=1&_HLS_msn=1'), { isReloadMalformed: true }, 'twice')
  t.match(read('_HLS_part=1&_HLS_msn=1&_HLS_part=1'), { isReloadMalformed: true })
  t.match(read('_HLS_skip=YES&_HLS_skip=YES'), { isSkipMalformed: true, isReloadMalformed: false })
})
