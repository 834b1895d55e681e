import t from 'tap'
import { BodyCollector } from '../../src/origin/body-collector.ts'

t.test('whatever the pieces, the bytes come back in order', async (t) => {
  const body = Buffer.alloc(300_000)
  for (let index = 0; index < body.length; index++) body[index] = index * 31
  for (const pieceBytes of [1, 7, 4096, 8191, 8192, 65_536, 300_000]) {
    const collector = new BodyCollector()
    for (let at = 0; at < body.length; at += pieceBytes) {
      collector.add(body.subarray(at, at + pieceBytes))
    }
    t.equal(collector.sizeBytes, body.length)
    const chunks = collector.take()
    t.ok(Buffer.concat(chunks).equals(body), `pieces of ${pieceBytes}`)
    t.equal(collector.sizeBytes, 0)
  }
})

t.test('one-byte pieces do not cost a buffer each', async (t) => {
  const collector = new BodyCollector()
  for (let index = 0; index < 200_000; index++) collector.add(Buffer.from([index & 0xff]))
  const chunks = collector.take()
  t.ok(chunks.length < 12, `${chunks.length} chunks`)
  for (const chunk of chunks) t.equal(chunk.byteLength, chunk.buffer.byteLength, 'exact memory')
})

t.test('large pieces are kept, not copied', async (t) => {
  const collector = new BodyCollector()
  const piece = Buffer.alloc(10_000)
  collector.add(Buffer.from('small'))
  collector.add(piece)
  const chunks = collector.take()
  t.equal(chunks.length, 2)
  t.equal(chunks[1], piece)
})

t.test('clear forgets', async (t) => {
  const collector = new BodyCollector()
  collector.add(Buffer.from('small'))
  collector.add(Buffer.alloc(10_000))
  collector.clear()
  t.equal(collector.sizeBytes, 0)
  t.same(collector.take(), [])
})
