import t from 'tap'
import { ttlSecondsByRule } from '../../src/origin/ttl-rules.ts'
import { openOrigin } from '../support/origin.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { itemKey } from './support.ts'

t.test('the first rule that matches rules', async (t) => {
  const rules = ['live/a=b/*=5', '*.m3u8=60', 'vod/**=86400', '**=300']
  t.equal(ttlSecondsByRule(rules, itemKey('live/index.m3u8')), 60)
  t.equal(ttlSecondsByRule(rules, itemKey('vod/1/a.ts')), 86_400)
  t.equal(ttlSecondsByRule(rules, itemKey('vod/1/a.m3u8')), 60)
  t.equal(ttlSecondsByRule(rules, itemKey('live/a.ts')), 300)
  t.equal(ttlSecondsByRule(rules, itemKey('live/a=b/c.ts')), 5)
  t.equal(ttlSecondsByRule(['*.m3u8=60'], itemKey('live/a.ts')), undefined)
  t.equal(ttlSecondsByRule([], itemKey('live/a.ts')), undefined)
})

t.test(
  'a rule wins over what the write asks for, by path and by query, in time and in heads',
  async (t) => {
    const clock = new ManualClock()
    const settings = { caches: { defaults: { ttlRules: ['*.ts=10', 'long/**=7200'] } } }
    const origin = await openOrigin(t, settings, { clock })
    const { dataPlaneUrl, keys } = origin
    const put = (target: string) =>
      fetch(`${dataPlaneUrl}/cache/live-origin${target}`, {
        method: 'PUT',
        headers: { authorization: keys.encoder },
        body: 'bytes',
      })
    const read = async (target: string) => {
      const response = await fetch(`${dataPlaneUrl}/cache/live-origin/${target}`, {
        headers: { authorization: keys.player },
      })
      await response.text()
      return response
    }
    for (const target of [
      '/a.ts?ttl_seconds=3600',
      '?key=q.ts&ttl_seconds=3600',
      '/long/a.mp4?ttl_seconds=5',
      '/b.mp4?ttl_seconds=60',
    ]) {
      t.equal((await put(target)).status, 204, target)
    }
    t.equal((await read('a.ts')).headers.get('cache-control'), 'public, max-age=10')
    clock.advance(9_999)
    t.equal((await read('a.ts')).status, 200)
    clock.advance(1)
    t.equal((await read('a.ts')).status, 404)
    t.equal((await read('q.ts')).status, 404)
    t.equal((await read('long/a.mp4')).status, 200, 'a rule may be longer than what was asked for')
    t.equal((await read('b.mp4')).status, 200, 'what no rule names keeps its own')
    clock.advance(7_190_000 - 1)
    t.equal((await read('b.mp4')).status, 404)
    t.equal((await read('long/a.mp4')).status, 200)
    clock.advance(1)
    t.equal((await read('long/a.mp4')).status, 404)
  },
)

t.test('a TTL that is not one is refused all the same', async (t) => {
  const origin = await openOrigin(t, { caches: { defaults: { ttlRules: ['**=10'] } } })
  const response = await fetch(`${origin.dataPlaneUrl}/cache/live-origin/a.ts?ttl_seconds=x`, {
    method: 'PUT',
    headers: { authorization: origin.keys.encoder },
    body: 'bytes',
  })
  t.equal(response.status, 400)
})
