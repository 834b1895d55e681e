import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { Waiters } from '../../src/origin/waiters.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheName, itemKey } from './support.ts'

const key = (cache: string, name: string) => toStoreKey(cacheName(cache), itemKey(name))

t.test('bounded per cache and in total', async (t) => {
  const clock = new ManualClock()
  const waiters = new Waiters({ clock, waitersMax: 3, waitersPerCacheMax: 2 })
  t.ok(waiters.wait(key('a', 'x'), 5000))
  const second = waiters.wait(key('a', 'y'), 5000)
  t.ok(second)
  t.equal(waiters.wait(key('a', 'z'), 5000), undefined, 'over the cache')
  t.ok(waiters.wait(key('b', 'x'), 5000))
  t.equal(waiters.wait(key('c', 'x'), 5000), undefined, 'over all')
  second?.leave()
  second?.leave()
  t.equal(waiters.count, 2)
  t.ok(waiters.wait(key('a', 'z'), 5000), 'a place is free again')
  clock.advance(5000)
  t.equal(waiters.count, 0)
  t.equal(clock.timerCount, 0)
})

t.test('counts how waits ended, each once', async (t) => {
  const clock = new ManualClock()
  const waiters = new Waiters({ clock, waitersMax: 4, waitersPerCacheMax: 4 })
  const wait = (name: string) => waiters.wait(key('a', name), clock.monotonicMs() + 1000)
  const left = wait('left')
  const changed = wait('changed')
  wait('over')
  wait('closing')
  t.equal(wait('refused'), undefined)
  left?.leave()
  left?.leave()
  waiters.wake(key('a', 'changed'))
  changed?.leave()
  clock.advance(1000)
  wait('closing')
  waiters.close()
  t.same(waiters.stats, {
    changedCount: 1,
    overCount: 2,
    closingCount: 1,
    leftCount: 1,
    refusedCount: 1,
  })
})

t.test('one change releases everybody, each once', async (t) => {
  const clock = new ManualClock()
  const waiters = new Waiters({ clock, waitersMax: 1000, waitersPerCacheMax: 1000 })
  const waits = Array.from({ length: 500 }, () => waiters.wait(key('a', 'x'), 9000))
  const other = waiters.wait(key('a', 'other'), 9000)
  waiters.wake(key('a', 'nobody'))
  waiters.wake(key('a', 'x'))
  t.same(
    new Set(await Promise.all(waits.map((wait) => wait?.outcome ?? Promise.resolve('none')))),
    new Set(['changed']),
  )
  t.equal(waiters.count, 1)
  waiters.close()
  t.equal(await other?.outcome, 'closing')
  t.equal(clock.timerCount, 0)
})
