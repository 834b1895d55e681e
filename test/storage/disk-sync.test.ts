/** What `storage.sync: always` promises, seen from the kernel: strace slows flushes down and tells their order. */

import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'

const CHILD = join(import.meta.dirname, 'disk-sync-child.ts')
const DELAY_US = 150_000
const hasStrace = spawnSync('strace', ['-f', 'true']).status === 0

/** For each write, how many flushes ended between its begin and its acknowledgement. */
async function flushesOf(folder: string, sync: 'always'): Promise<readonly number[]> {
  const trace = join(folder, `${sync}.trace`)
  const calls = 'fsync,fdatasync,msync'
  const child = spawnSync(
    'strace',
    [
      ...['-f', '-o', trace, '-e', `trace=${calls},write`],
      ...['-e', `inject=${calls}:delay_exit=${DELAY_US}`],
      ...[process.execPath, ...process.execArgv, CHILD, join(folder, sync), sync],
    ],
    { encoding: 'utf8', timeout: 60_000 },
  )
  if (child.status !== 0) throw new Error(child.stderr)
  const counts: number[] = []
  let count = 0
  for (const line of (await readFile(trace, 'latin1')).split('\n')) {
    if (/(fsync|fdatasync|msync).*= 0\b/.test(line)) count++
    if (line.includes('"BEGUN ')) count = 0
    if (line.includes('"STORED ')) counts.push(count)
  }
  return counts
}

if (hasStrace) {
  t.test('`always` acknowledges a write after the flush that has it', async (t) => {
    const counts = await flushesOf(t.testdir(), 'always')
    t.equal(counts.length, 3)
    t.ok(
      counts.every((count) => count >= 1),
      counts.join(' '),
    )
  })
} else {
  t.comment('not run: no strace, or it may not trace')
  t.pass('elsewhere')
}
