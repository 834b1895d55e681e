import t from 'tap'
import { formatMetrics } from '../../src/metrics/text.ts'
import { startHeadwater } from '../../src/app.ts'

t.test('the text format: help, type, labels and escapes', async (t) => {
  const text = formatMetrics([
    {
      name: 'headwater_a_total',
      help: 'A.',
      type: 'counter',
      read: () => [{ labels: { reason: 'a"b\\c\nd', x: '1' }, value: 2 }, { value: 0.5 }],
    },
    { name: 'headwater_b', help: 'B.', type: 'gauge', read: () => [{ labels: {}, value: NaN }] },
    {
      name: 'headwater_c',
      help: 'C.',
      type: 'gauge',
      read: () => [{ value: Infinity }, { value: -Infinity }],
    },
  ])
  t.equal(
    text,
    [
      '# HELP headwater_a_total A.',
      '# TYPE headwater_a_total counter',
      'headwater_a_total{reason="a\\"b\\\\c\\nd",x="1"} 2',
      'headwater_a_total 0.5',
      '# HELP headwater_b B.',
      '# TYPE headwater_b gauge',
      'headwater_b NaN',
      '# HELP headwater_c C.',
      '# TYPE headwater_c gauge',
      'headwater_c +Inf',
      'headwater_c -Inf',
      '',
    ].join('\n'),
  )
})

t.test('the counters move with what happens', async (t) => {
  const origin = await startHeadwater()
  t.teardown(() => origin.close())
  const url = `${origin.dataPlaneUrl}/cache/live-origin/a.ts`
  await fetch(url, {
    method: 'PUT',
    body: 'bytes',
    headers: { authorization: origin.keys.encoder },
  })
  await fetch(url, { headers: { authorization: origin.keys.player } })
  await fetch(`${url}x`, { headers: { authorization: origin.keys.player } })
  await fetch(url, { method: 'PUT', body: 'bytes', headers: { authorization: origin.keys.player } })
  await fetch(url, { headers: { authorization: 'nobody' } })
  const text = await (await fetch(`${origin.adminUrl}/metrics`)).text()
  for (const line of [
    'headwater_requests_total{operation="write",status="2xx"} 1',
    'headwater_requests_total{operation="write",status="4xx"} 1',
    'headwater_requests_total{operation="read",status="2xx"} 1',
    'headwater_requests_total{operation="read",status="4xx"} 2',
    'headwater_refused_writes_total{reason="permission-denied"} 1',
    'headwater_uploads_stored_bytes_total 5',
    'headwater_uploads_in_flight 0',
    'headwater_hot_store_items 1',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  for (const line of text.trimEnd().split('\n')) {
    t.match(line, /^(# (HELP|TYPE) headwater_|headwater_[a-z_]+(\{[^}]*\})? \S+$)/)
  }
})
