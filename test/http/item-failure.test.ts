import t from 'tap'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

/** Fails once, when told, in the middle of what is done without a promise. */
class FailingClock extends ManualClock {
  fails = false

  override monotonicMs(): number {
    if (this.fails) {
      this.fails = false
      throw new RangeError('what nobody thought of')
    }
    return super.monotonicMs()
  }
}

t.test('a read that stumbles is a 500, and the origin goes on', async (t) => {
  const clock = new FailingClock()
  const origin = await openOrigin(t, {}, { clock })
  const url = `${origin.dataPlaneUrl}/cache/live-origin/a.ts`
  const { encoder, player } = origin.keys
  await http(url, { method: 'PUT', body: 'x', headers: { authorization: encoder } })
  const get = () => http(url, { headers: { authorization: player } })
  t.equal((await get()).status, 200)
  clock.fails = true
  const failed = await get()
  t.equal(failed.status, 500)
  t.equal(failed.headers['x-headwater-reason'], 'internal')
  t.notMatch(failed.text, 'nobody thought of')
  t.equal((await get()).text, 'x')
})
