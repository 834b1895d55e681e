import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import { METRIC_FAMILIES } from '../../src/metrics/families.ts'
import { departures, FAMILY_BY_SERIES, readMetrics } from './metrics-text.ts'

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
  const answer = await fetch(`${origin.adminUrl}/metrics`)
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await answer.text()
  for (const line of [
    'headwater_requests_total{operation="write",status="2xx"} 1',
    'headwater_requests_total{operation="write",status="4xx"} 1',
    'headwater_requests_total{operation="read",status="2xx"} 1',
    'headwater_requests_total{operation="read",status="4xx"} 2',
    'headwater_responses_total{operation="read",code="404"} 1',
    'headwater_responses_total{operation="write",code="403"} 1',
    'headwater_received_bytes_total{operation="write"} 10',
    'headwater_put_duration_seconds_count 1',
    'headwater_get_hit_duration_seconds_count 1',
    'headwater_get_hit_duration_seconds_bucket{le="+Inf"} 1',
    'headwater_first_byte_seconds_count{source="store"} 1',
    'headwater_object_age_at_read_seconds_count{kind="segment"} 1',
    'headwater_refused_writes_total{reason="permission-denied"} 1',
    'headwater_refused_writes_total{reason="body-too-large"} 0',
    'headwater_auth_refusals_total{reason="unknown"} 1',
    'headwater_uploads_stored_bytes_total 5',
    'headwater_uploads_in_flight 0',
    'headwater_hot_store_items 1',
    'headwater_connections_refused_total{plane="data",lane="standard"} 0',
    'headwater_caches 1',
    'headwater_channels_left_out 0',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  const series = readMetrics(text)
  t.same(departures(series), [], 'nothing that the table does not have')
  const names = new Set(series.map(({ name }) => FAMILY_BY_SERIES.get(name)?.name))
  for (const { name } of METRIC_FAMILIES) {
    // Only where there are channels, objects on disk or in Valkey, or a test rig.
    if (/^headwater_(channel|rendition|disk|valkey|faults)_/.test(name)) continue
    t.ok(names.has(name), `${name} has a value from the start`)
  }
  const value = (name: string, part: string) =>
    series.find((each) => each.name === name && Object.values(each.labels).includes(part))?.value
  t.ok((value('headwater_process_memory_bytes', 'resident') ?? 0) > 10_000_000)
  t.ok((value('headwater_process_cpu_seconds_total', 'user') ?? 0) > 0)
})

t.test('no credential, no host name and no header is asked for', async (t) => {
  const origin = await startHeadwater()
  t.teardown(() => origin.close())
  const answer = await fetch(`${origin.adminUrl}/metrics`, { headers: { host: 'origin:8081' } })
  t.equal(answer.status, 200)
})

t.test('the table: names and labels as Prometheus wants them, each once', async (t) => {
  const names = METRIC_FAMILIES.map(({ name }) => name)
  t.equal(new Set(names).size, names.length)
  for (const { name, type, help, labels } of METRIC_FAMILIES) {
    t.match(name, /^headwater_[a-z_]*[a-z]$/)
    t.equal(name.endsWith('_total'), type === 'counter', name)
    t.match(help, /^[A-Z0-9][^\n\\]*\.$/, name)
    for (const [label, values] of Object.entries(labels)) {
      t.match(label, /^[a-z]+$/, name)
      t.ok(values.length > 0, `${name}: ${label}`)
      if (typeof values !== 'string') t.equal(new Set(values).size, values.length, name)
    }
  }
})
