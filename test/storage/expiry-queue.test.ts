import t from 'tap'
import { ExpiryQueue, ttlClassOf } from '../../src/storage/expiry-queue.ts'
import { HotEntry } from '../../src/storage/hot-entry.ts'
import { sampleItem } from './sample-item.ts'

const DAY_MS = 86_400_000

function entryDueAt(dueMs: number): HotEntry {
  return new HotEntry(sampleItem(`live/${dueMs}`, 0, { ttlMs: dueMs }))
}

t.test(
  'classes are monotonic, at most 4.5 % wide, and about 500 for all TTLs allowed',
  async (t) => {
    t.equal(ttlClassOf(-5), 0)
    t.equal(ttlClassOf(0), 0)
    t.equal(ttlClassOf(1), 0)
    let classStartMs = 2
    let isSound = true
    for (let ttlMs = 2; ttlMs < 31 * DAY_MS; ttlMs = Math.ceil(ttlMs * 1.001)) {
      if (ttlClassOf(ttlMs) < ttlClassOf(classStartMs)) isSound = false
      if (ttlClassOf(ttlMs) !== ttlClassOf(classStartMs)) classStartMs = ttlMs
      if (ttlMs > Math.max(classStartMs * 1.045, classStartMs + 1)) isSound = false
    }
    t.ok(isSound)
    t.ok(ttlClassOf(31 * DAY_MS) < 510)
  },
)

t.test('entries leave from the head, the middle and the tail of a class', async (t) => {
  for (const gone of [0, 1, 2]) {
    const queue = new ExpiryQueue()
    const entries = [entryDueAt(1000), entryDueAt(1001), entryDueAt(1002)]
    for (const entry of entries) queue.add(entry, 0)
    t.equal(queue.classCount, 1)
    const removed = entries[gone]
    if (removed !== undefined) {
      queue.remove(removed)
      queue.remove(removed)
    }
    const due: number[] = []
    const hasMore = queue.takeDue(2000, 10, (entry) => {
      queue.remove(entry)
      due.push(entry.item.expiresAtMonotonicMs)
    })
    t.equal(hasMore, false)
    t.same(
      due,
      [1000, 1001, 1002].filter((_, index) => index !== gone),
    )
    t.equal(queue.classCount, 0)
  }
})

t.test('a budget stops between two entries, and not when nothing is left', async (t) => {
  const queue = new ExpiryQueue()
  for (const dueMs of [10, 20, 5000]) queue.add(entryDueAt(dueMs), 0)
  const take = (nowMs: number, budget: number) => {
    let count = 0
    const hasMore = queue.takeDue(nowMs, budget, (entry) => {
      queue.remove(entry)
      count++
    })
    return { count, hasMore }
  }
  t.same(take(9, 1), { count: 0, hasMore: false })
  t.same(take(30, 1), { count: 1, hasMore: true })
  t.same(take(30, 1), { count: 1, hasMore: false })
  t.equal(queue.classCount, 1)
  queue.clear()
  t.equal(queue.classCount, 0)
})
