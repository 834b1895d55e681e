import t from 'tap'
import type { FaultInForce } from '../../src/console/api/rig-types.ts'
import {
  faultsInWords,
  lastEvents,
  matchWords,
  onWords,
  scenarioPlayUrl,
  scenarioUrl,
} from '../../src/console/rig/fault-words.ts'

function fault(id: string, appliedCount: number, endsInSeconds: number): FaultInForce {
  return {
    ...{ id, appliedCount, endsInSeconds, matchedCount: 9, isSpent: false },
    fault: { action: 'delay' },
  }
}

t.test('faults in a sentence: three by name, the others as a number', async (t) => {
  const three = [fault('a', 1, 3599.5), fault('b', 0, 0.2), fault('c', 2, 90)]
  t.match(faultsInWords([fault('a', 1, 3599.5)]), /^a \(delay, 1 hit, ends in [^)]+\)$/)
  t.match(faultsInWords(three), /b \(delay, 0 hits, ends in 1 s\), c /)
  t.match(faultsInWords([{ ...fault('delay', 0, 5) }]), 'delay (0 hits, ends in 5 s)')
  t.notMatch(faultsInWords(three), 'more')
  t.match(faultsInWords([...three, fault('d', 0, 1), fault('e', 0, 1)]), / and 2 more$/)
  t.same([onWords(1), onWords(2)], ['1 fault is on', '2 faults are on'])
})

t.test('what a fault is for', async (t) => {
  t.equal(matchWords({ key: '*.ts', probability: 0.2 }), 'key=*.ts probability=0.2')
  t.same([matchWords({}), matchWords()], ['', ''])
})

t.test('addresses of a scenario: keys and tokens are encoded, slashes stay', async (t) => {
  const address = {
    ...{ mediaBase: 'http://a:1', scenario: 'flaky-404', cacheName: 'c' },
    ...{ key: 'x y/p?.m3u8', token: 'a+b=' },
  }
  t.equal(scenarioUrl(address), 'http://a:1/rig/flaky-404/cache/c/x%20y/p%3F.m3u8?token=a%2Bb%3D')
  t.equal(
    scenarioPlayUrl(address),
    'http://a:1/play/c/x%20y/p%3F.m3u8?scenario=flaky-404#token=a%2Bb%3D',
  )
})

t.test('the newest events first, twenty of them', async (t) => {
  const events = Array.from({ length: 30 }, (_, number) => ({
    ...{ number, at: '', scenario: '', faultId: '', action: '', operation: '', cache: '', key: '' },
  }))
  const last = lastEvents(events)
  t.same([last.length, last[0]?.number, last.at(-1)?.number], [20, 29, 10])
})
