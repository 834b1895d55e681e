import t from 'tap'
import {
  LINK_CHARS_MAX,
  LINK_SECONDS,
  LINKS_MAX,
  SignInLinks,
} from '../../src/auth/sign-in-links.ts'
import { ManualClock } from '../support/manual-clock.ts'

t.test('a link is good once', async (t) => {
  const links = new SignInLinks(new ManualClock())
  const [first, second] = [links.create(), links.create()]
  t.match(first, /^[A-Za-z0-9_-]{43}$/)
  t.notOk(links.redeem('x'.repeat(43)))
  t.notOk(links.redeem(''))
  t.ok(links.redeem(first))
  t.notOk(links.redeem(first), 'replayed')
  t.ok(links.redeem(second), 'another is another')
  t.equal(links.size, 0)
})

t.test('a link is good for ten minutes', async (t) => {
  const clock = new ManualClock()
  const links = new SignInLinks(clock)
  const [early, late] = [links.create(), links.create()]
  clock.advance(LINK_SECONDS * 1000 - 1)
  clock.jumpWall(3_600_000)
  t.ok(links.redeem(early))
  clock.advance(1)
  t.notOk(links.redeem(late))
  t.equal(links.size, 0)
})

t.test('so many wait at most, the newest ones', async (t) => {
  const links = new SignInLinks(new ManualClock())
  const made = Array.from({ length: LINKS_MAX + 1 }, () => links.create())
  t.equal(links.size, LINKS_MAX)
  t.notOk(links.redeem(made[0] ?? ''))
  t.ok(links.redeem(made[1] ?? ''))
})

t.test('a text too long to be one is not hashed', async (t) => {
  const links = new SignInLinks(new ManualClock())
  const link = links.create()
  t.notOk(links.redeem(link.padEnd(LINK_CHARS_MAX + 1, 'x')))
  t.ok(links.redeem(link))
})
