import t from 'tap'
import type { RecentRequest } from '../../src/console/api/steer-types.ts'
import {
  SHOWN_MAX,
  STATUS_CHOICES,
  addRequest,
  countNews,
  isWanted,
  requestsPath,
  statusTone,
  targetWords,
} from '../../src/console/why/why-list.ts'

function request(over: Partial<RecentRequest> = {}): RecentRequest {
  return {
    id: 1,
    at: '2026-11-21T12:00:00Z',
    firstAt: '2026-11-21T12:00:00Z',
    count: 1,
    clientAddress: '127.0.0.1',
    method: 'GET',
    operation: 'read',
    cache: 'live-origin',
    key: 'a.ts',
    keyId: null,
    statusCode: 404,
    reason: 'key-not-found',
    sentence: 'Nothing is stored under this name.',
    advice: '',
    commands: [],
    detail: null,
    userAgent: '',
    ...over,
  }
}

t.test('a request is wanted as the server would want it', async (t) => {
  const rows: [cacheName: string, status: string, over: Partial<RecentRequest>, wanted: boolean][] =
    [
      ['', '', {}, true],
      ['live-origin', '', {}, true],
      ['other', '', {}, false],
      ['', '404', {}, true],
      ['', '4', {}, true],
      ['', '5', {}, false],
      ['', '401', {}, false],
      ['', '0', { statusCode: 0 }, true],
      ['', '0', {}, false],
      ['other', '404', {}, false],
    ]
  for (const [cacheName, status, over, wanted] of rows) {
    t.equal(isWanted(request(over), { cacheName, status }), wanted, `${cacheName} ${status}`)
  }
})

t.test('what is counted into an entry moves it to the top; the list is bounded', async (t) => {
  const list = [request({ id: 3 }), request({ id: 2 }), request({ id: 1 })]
  const next = addRequest(list, request({ id: 2, count: 7 }))
  t.same(
    next.map(({ id, count }) => [id, count]),
    [
      [2, 7],
      [3, 1],
      [1, 1],
    ],
  )
  const many = Array.from({ length: SHOWN_MAX }, (_, id) => request({ id: id + 10 }))
  t.equal(addRequest(many, request({ id: 1 })).length, SHOWN_MAX)
  t.equal(addRequest(many.slice(1), request({ id: 1 })).length, SHOWN_MAX)
})

t.test('a pause counts what it hides, repeats too', async (t) => {
  const before = [request({ id: 1, count: 3 }), request({ id: 2 })]
  t.equal(countNews(before, before), 0)
  t.equal(countNews(before, [request({ id: 5, count: 2 }), request({ id: 1, count: 4 })]), 3)
  t.equal(countNews(before, []), 0, 'what was settled is no news')
})

t.test('the server is asked for what the filter says', async (t) => {
  t.equal(requestsPath({ cacheName: '', status: '' }), '/api/requests/recent?limit=200')
  t.equal(
    requestsPath({ cacheName: 'a&b', status: '4' }),
    '/api/requests/recent?limit=200&cache=a%26b&status=4',
  )
  for (const { value } of STATUS_CHOICES) t.match(value, /^\d{0,3}$/)
})

t.test('words and tones', async (t) => {
  t.equal(targetWords(request()), 'live-origin/a.ts')
  t.equal(targetWords(request({ key: '' })), 'live-origin (no key)')
  t.equal(targetWords(request({ cache: '', key: '' })), 'nothing that is a cache')
  t.equal(targetWords(request({ cache: '', key: 'x' })), 'x')
  t.same([503, 404, 0, 410, 401].map(statusTone), ['bad', 'quiet', 'quiet', 'quiet', 'wait'])
})
