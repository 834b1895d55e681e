import t from 'tap'
import { noRoom } from '../../src/origin/upload.ts'

const bound = { sizeBytes: 10, sizeBytesMax: 5, pinnedBytes: 0 }

t.test('what is full is named, when it is not memory', async (t) => {
  const reason = 'store-full'
  t.same(noRoom({ kind: 'full', ...bound }), { kind: 'refused', reason })
  t.same(noRoom({ kind: 'too-large', sizeBytes: 10, sizeBytesMax: 5 }), { kind: 'refused', reason })
  t.same(noRoom({ kind: 'cache-full', ...bound }), { kind: 'refused', reason: 'cache-full' })
  t.match(noRoom({ kind: 'full', ...bound, where: 'valkey' }), {
    ...{ reason, detail: /maxmemory in Valkey/ },
  })
  t.match(noRoom({ kind: 'full', ...bound, where: 'disk' }), {
    ...{ reason, detail: /storage\.disk\.sizeBytesMax/ },
  })
})
