import t from 'tap'
import {
  TOLD_PER_MINUTE_MAX,
  TOLD_PLAYLISTS_MAX,
  ToldPlaylists,
} from '../../src/cli/told-playlists.ts'

t.test('each is told once', async (t) => {
  const told = new ToldPlaylists()
  t.equal(told.add('a', 0), true)
  t.equal(told.add('a', 2000), false)
  t.equal(told.add('a', 3_600_000), false)
  t.equal(told.add('b', 3_600_000), true)
})

t.test('of many at once the others are told a minute later', async (t) => {
  const told = new ToldPlaylists()
  for (let index = 0; index < TOLD_PER_MINUTE_MAX; index++) t.equal(told.add(`${index}`, 0), true)
  t.equal(told.add('over', 0), false)
  t.equal(told.add('over', 59_999), false)
  t.equal(told.add('over', 60_000), true)
})

t.test('the one that rested longest is forgotten when there is no room', async (t) => {
  const told = new ToldPlaylists()
  for (let index = 0; index < TOLD_PLAYLISTS_MAX; index++) {
    told.add(`${index}`, index * 60_000)
  }
  const nowMs = TOLD_PLAYLISTS_MAX * 60_000
  t.equal(told.add('0', nowMs), false, 'full, and all are known')
  t.equal(told.add('new', nowMs), true)
  t.equal(told.add('0', nowMs), false, 'it was seen just now')
  t.equal(told.add('1', nowMs), true, 'this one had rested')
})
