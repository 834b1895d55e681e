import t from 'tap'
import { parseListenFds, takeListenFds } from '../../src/cli/listen-fds.ts'

const PID = 4711

t.test('sockets are told apart by their names', async (t) => {
  const cases: [string, string | undefined, object][] = [
    ['1', 'http', { http: [3] }],
    ['1', 'admin', { admin: [3] }],
    ['3', 'http:https:admin', { http: [3], https: [4], admin: [5] }],
    ['3', 'http:http:admin', { http: [3, 4], admin: [5] }],
    ['1', undefined, { http: [3] }],
    ['1', 'headwater.socket', { http: [3] }],
  ]
  for (const [count, names, sockets] of cases) {
    const env = { LISTEN_FDS: count, LISTEN_PID: String(PID), LISTEN_FDNAMES: names }
    t.strictSame(parseListenFds(env, PID), sockets, `${count} ${String(names)}`)
  }
})

t.test('sockets of another process, or none, are none', async (t) => {
  t.equal(parseListenFds({}, PID), undefined)
  t.equal(parseListenFds({ LISTEN_FDS: '1' }, PID), undefined)
  t.equal(parseListenFds({ LISTEN_FDS: '1', LISTEN_PID: '1' }, PID), undefined)
  t.equal(parseListenFds({ LISTEN_FDS: 'x', LISTEN_PID: '1' }, PID), undefined)
  t.equal(parseListenFds({ LISTEN_FDS: '0', LISTEN_PID: String(PID) }, PID), undefined)
})

t.test('what makes no sense stops the start', async (t) => {
  const cases: [string, string | undefined][] = [
    ['-1', undefined],
    ['1x', undefined],
    ['65', 'http'],
    ['2', undefined],
    ['2', 'http'],
    ['2', 'http:metrics'],
    ['2', 'toString:constructor'],
  ]
  for (const [count, names] of cases) {
    const env = { LISTEN_FDS: count, LISTEN_PID: String(PID), LISTEN_FDNAMES: names }
    t.throws(() => parseListenFds(env, PID), { code: 'HW_START_LISTEN_FAILED' })
  }
})

t.test('taking them leaves nothing for children', async (t) => {
  const env = { LISTEN_FDS: '1', LISTEN_PID: String(PID), LISTEN_FDNAMES: 'http', HOME: '/' }
  t.strictSame(takeListenFds(env, PID), { http: [3] })
  t.strictSame(env, { HOME: '/' })
  t.equal(takeListenFds(env, PID), undefined)
})
