import t from 'tap'
import { hotStoreSizeBytesDefault } from '../../src/storage/hot-store-size.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

function sizeFor(options: {
  readonly totalBytes?: number
  readonly constrainedBytes?: number | undefined
  readonly files?: Readonly<Record<string, string>>
}): number {
  const { totalBytes = 64 * GIB, constrainedBytes, files = {} } = options
  return hotStoreSizeBytesDefault({
    readTextFile: (path) => files[path],
    totalMemoryBytes: () => totalBytes,
    constrainedMemoryBytes: () => constrainedBytes,
  })
}

t.test('1 GiB on a big machine, half of a small one', async (t) => {
  t.equal(sizeFor({}), GIB)
  t.equal(sizeFor({ totalBytes: 2 * GIB }), GIB)
  t.equal(sizeFor({ totalBytes: 2 * GIB - 2 }), GIB - 1)
  t.equal(sizeFor({ totalBytes: 512 * MIB }), 256 * MIB)
})

t.test('half of the tightest limit known', async (t) => {
  const half = 128 * MIB
  const limit = String(256 * MIB)
  const cases: readonly Readonly<Record<string, string>>[] = [
    { '/sys/fs/cgroup/memory.max': `${limit}\n` },
    { '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${limit}\n` },
    {
      '/proc/self/cgroup': '0::/a.slice/b.service\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
      '/sys/fs/cgroup/a.slice/memory.max': `${limit}\n`,
      '/sys/fs/cgroup/a.slice/b.service/memory.max': 'max\n',
    },
    {
      '/proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/docker/1\nnonsense\n',
      '/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes': `${limit}\n`,
      '/sys/fs/cgroup/memory/x/memory.limit_in_bytes': '1000\n',
    },
  ]
  for (const files of cases) t.equal(sizeFor({ files }), half)
  t.equal(sizeFor({ constrainedBytes: 256 * MIB }), half)
})

t.test('what says "no limit" is none', async (t) => {
  const files = {
    '/sys/fs/cgroup/memory.max': 'max\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  }
  t.equal(sizeFor({ files, constrainedBytes: 0 }), GIB)
  t.equal(sizeFor({ files: { '/sys/fs/cgroup/memory.max': '' }, constrainedBytes: 2 ** 64 }), GIB)
})

t.test('this machine has a default', async (t) => {
  const sizeBytes = hotStoreSizeBytesDefault()
  t.ok(sizeBytes > 0 && sizeBytes <= GIB)
  t.ok(Number.isInteger(sizeBytes))
})
