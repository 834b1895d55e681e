import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openOrigin } from '../support/origin.ts'
import { CONFORMANCE_CASES } from './cases.ts'
import { formatFidelity, summaryOf, unexpectedDifferences } from './fidelity-report.ts'
import type { FidelityColumn } from './fidelity-report.ts'
import { PacedClient } from './paced-client.ts'
import { runCases } from './run-cases.ts'
import type { RunResult } from './run-cases.ts'

/** Who waits is at once where time has passed. */
function hurriedClock(clock: ManualClock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (callback, delayMs) => {
      clock.advance(delayMs)
      setImmediate(callback)
      return {}
    },
    clearTimer: () => undefined,
  }
}

function column(result: RunResult | undefined, isAmended = false): FidelityColumn {
  const date = result === undefined ? undefined : '2026-01-31'
  return { title: 'the target', date, result, isAmended }
}

async function openServer(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A listening TCP server has an address with a port.
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

for (const profile of ['default', 'momento'] as const) {
  t.test(`profile ${profile} differs where it is meant to, and nowhere else`, async (t) => {
    const clock = new ManualClock()
    const origin = await openOrigin(t, { profile }, { clock })
    const everything = { role: 'readwrite', caches: '*', items: { kind: 'all' } } as const
    const result = await runCases({
      origin: origin.dataPlaneUrl,
      cacheName: 'live-origin',
      apiKey: (await origin.mintKey(everything)).apiKey,
      readonlyKey: origin.keys.player,
      clock: hurriedClock(clock),
      requestsPerSecondMax: 1000,
    })
    const isDefault = profile === 'default'
    t.same(unexpectedDifferences(column(result, isDefault)), [])
    t.same(
      result.cases.filter((one) => one.outcome === 'differs').map((one) => one.id),
      isDefault ? ['get-content-type', 'both-credentials', 'oversize'] : [],
    )
    t.equal(result.cases.length, CONFORMANCE_CASES.length)
    t.same(result.leftBehind, [])
    const page = await fetch(`${origin.dataPlaneUrl}/cache/live-origin/headwater-conformance/a`, {
      headers: { authorization: origin.keys.player },
    })
    t.equal(page.status, 404)
  })
}

t.test('a service that says yes to everything does not pass', async (t) => {
  const origin = await openServer(t, (request, response) => {
    request.resume()
    response.end('{}')
  })
  const options = { cacheName: 'c', apiKey: 'k', clock: hurriedClock(new ManualClock()) }
  const result = await runCases({ origin, ...options })
  const wrong = unexpectedDifferences(column(result)).map((one) => one.id)
  for (const id of ['put-query-token', 'no-credential', 'get-missing', 'delete', 'overwrite']) {
    t.ok(wrong.includes(id), id)
  }
  t.ok(result.leftBehind.length > 0, 'what could not be deleted is told')
  const readonly = result.cases.find((one) => one.id === 'readonly-write')
  t.hasStrict(readonly, { outcome: 'not-run' })
})

t.test('a service that gives the key back does not get it into the report', async (t) => {
  const apiKey = 'secret-key-of-mine'
  const origin = await openServer(t, (request, response) => {
    request.resume()
    const given = `${request.headers.authorization ?? ''} ${request.url ?? ''}`
    response.setHeader('content-type', `text/${given.replace(/[^\w-]/g, '')}`)
    response.end(given)
  })
  const clock = hurriedClock(new ManualClock())
  const result = await runCases({ origin, cacheName: 'c', apiKey, clock })
  t.notMatch(formatFidelity([column(result)]), apiKey)
  t.match(formatFidelity([column(result)]), '(key)')
})

t.test('nobody there: not run, with the reason', async (t) => {
  const clock = hurriedClock(new ManualClock())
  const origin = 'http://127.0.0.1:1'
  const [first] = CONFORMANCE_CASES
  const result = await runCases(
    { origin, cacheName: 'c', apiKey: 'k', clock },
    first === undefined ? [] : [first],
  )
  t.match(result.cases, [{ outcome: 'not-run', seen: /ECONNREFUSED|EADDRNOTAVAIL|connect/ }])
})

t.test('what was not asked is "not run", never passed', (t) => {
  t.equal(summaryOf(column(undefined)), 'not run')
  const page = formatFidelity([column(undefined)])
  t.notMatch(page, 'holds')
  t.equal(page.match(/\| not run \|/g)?.length, CONFORMANCE_CASES.length)
  t.end()
})

t.test('at most five requests a second', async (t) => {
  const clock = new ManualClock()
  let count = 0
  const origin = await openServer(t, (_request, response) => {
    count++
    response.end()
  })
  const client = new PacedClient({ origin, clock })
  await client.send('/1')
  const second = client.send('/2')
  const third = client.send('/3')
  clock.advance(199)
  t.equal(count, 1)
  clock.advance(1)
  await second
  t.equal(count, 2)
  clock.advance(200)
  await third
  t.equal(client.sentCount, 3)
})

t.test('an answer without end is cut off', async (t) => {
  const origin = await openServer(t, (_request, response) => {
    const pour = () => {
      while (response.writable && response.write(Buffer.alloc(1024 * 1024)));
      response.once('drain', pour)
    }
    pour()
  })
  const client = new PacedClient({ origin, clock: new ManualClock() })
  await t.rejects(client.send('/'), { message: 'the answer has no end' })
})
