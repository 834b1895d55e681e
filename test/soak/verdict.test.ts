/** The soak's judge: a run that went well has no problem, and each thing that went wrong is said. */

import t from 'tap'
import type { OriginFigures } from './origin-child.ts'
import { PINNED_ITEMS_MAX } from './plan.ts'
import type { ReaderCounts } from './reader.ts'
import { judge } from './verdict.ts'
import type { Measured } from './verdict.ts'

const MIB = 1024 ** 2

function figures(changes: Partial<OriginFigures> = {}): OriginFigures {
  return {
    residentBytes: 100 * MIB,
    hotStoreBytes: 8 * MIB,
    pinnedBytes: MIB,
    pinnedItemCount: 20,
    waiterCount: 0,
    uploadsInFlightBytes: 0,
    evictionCount: 0,
    connectionCount: 4,
    readsByStatus: {},
    findingsByRule: {},
    refusedWritesByReason: {},
    ...changes,
  }
}

function counts(changes: Partial<ReaderCounts> = {}): ReaderCounts {
  return {
    running: { 200: 100, 304: 50 },
    gap: { 304: 5 },
    ...{ playlistCount: 50, segmentCount: 50, segmentBytes: MIB, faults: [] },
    ...changes,
  }
}

/** A run of 100 s with a gap from 50 s to 64 s, in which all went well. */
function measured(
  changes: Partial<Measured> = {},
  sample: (atSeconds: number) => Partial<OriginFigures> = () => ({}),
): Measured {
  return {
    samples: Array.from({ length: 50 }, (_, index) => ({
      ...figures(sample(index * 2)),
      atSeconds: index * 2,
    })),
    gap: { fromSeconds: 50, toSeconds: 64 },
    readers: [
      { name: 'ladder', isGuarded: false, counts: counts() },
      { name: 'single', isGuarded: true, counts: counts({ gap: { 304: 3, '404 stale': 4 } }) },
    ],
    probeFailures: [],
    probeCount: 4,
    encoderExitCodes: { ladder: 0, single: 0 },
    originExitCode: 0,
    last: figures({ pinnedItemCount: 0, findingsByRule: { 'encoder-restarted': 4 } }),
    ...changes,
  }
}

const ended = (changes: Partial<OriginFigures>) => ({
  last: figures({ pinnedItemCount: 0, findingsByRule: { 'encoder-restarted': 4 }, ...changes }),
})
const reader = (changes: Partial<ReaderCounts>, isGuarded = false) => ({
  readers: [{ name: 'ladder', isGuarded, counts: counts(changes) }],
})

t.test('a run that went well has no problem', async (t) => {
  t.same(judge(measured()), [])
  const breathing = measured({}, (at) => ({ residentBytes: (at % 20 === 0 ? 160 : 110) * MIB }))
  t.same(judge(breathing), [], 'memory may come and go')
})

const FAULTS: readonly (readonly [RegExp, Measured])[] = [
  [
    /before the restart: rendition-skew/,
    measured({}, () => ({ findingsByRule: { 'rendition-skew': 1 } })),
  ],
  [
    /false alarm: segment-missing/,
    measured(ended({ findingsByRule: { 'segment-missing': 1, 'encoder-restarted': 4 } })),
  ],
  [/restart was not seen/, measured(ended({ findingsByRule: {} }))],
  [
    /2 writes were refused: store-full/,
    measured(ended({ refusedWritesByReason: { 'store-full': 2 } })),
  ],
  [/ladder: 404 not-found, 1 times/, measured(reader({ running: { 200: 9, '404 not-found': 1 } }))],
  [/ladder: 503 overloaded/, measured(reader({ running: { 200: 9, '503 overloaded': 1 } }))],
  [
    /ladder: 404 stale/,
    measured(reader({ running: { '404 stale': 1 }, gap: { '404 stale': 1 } }, true)),
  ],
  [/between the encoders: 404 stale/, measured(reader({ gap: { '404 stale': 1 } }))],
  [/served on/, measured(reader({ gap: { 200: 1 } }, true))],
  [/read no segment/, measured(reader({ segmentCount: 0 }))],
  [/a.ts is torn/, measured(reader({ faults: ['a.ts is torn'] }))],
  [/ffprobe: no streams/, measured({ probeFailures: ['no streams'] })],
  [/ffprobe was never run/, measured({ probeCount: 0 })],
  [/memory grew from/, measured({}, (at) => ({ residentBytes: (100 + at) * MIB }))],
  [/objects were pinned/, measured({}, () => ({ pinnedItemCount: PINNED_ITEMS_MAX + 1 }))],
  [/dropped to make room/, measured({}, () => ({ evictionCount: 1 }))],
  [/1 objects are pinned after the end/, measured(ended({ pinnedItemCount: 1 }))],
  [/wait for nothing/, measured(ended({ waiterCount: 1 }))],
  [/upload is in flight/, measured(ended({ uploadsInFlightBytes: 1 }))],
  [/encoder of single ended with 1/, measured({ encoderExitCodes: { ladder: 0, single: 1 } })],
  [/origin ended with null/, measured({ originExitCode: null })],
]

for (const [said, run] of FAULTS) {
  t.test(`told: ${said.source}`, async (t) => {
    const problems = judge(run)
    t.equal(problems.length, 1, problems.join('; '))
    t.match(problems[0], said)
  })
}
