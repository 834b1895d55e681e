import t from 'tap'
import type { Upload } from '../../src/origin/upload.ts'
import { openTestOrigin } from './support.ts'

/** What somebody who reads along from the first moment is told. */
function follow(upload: Upload): string[] {
  const told: string[] = []
  upload.follow({
    onChunk: (chunk) => told.push(Buffer.from(chunk).toString()),
    onStored: () => told.push('stored'),
    onFailed: () => told.push('failed'),
  })
  return told
}

t.test(
  'who reads along before the first byte is sent away when it may be a playlist',
  async (t) => {
    const { open, text } = await openTestOrigin()
    for (const [first, told] of [
      ['#', ['failed']],
      ['#EXTM3U\n', ['failed']],
      ['\xef', ['failed']],
      [' \n<MPD', ['failed']],
      ['#EXIT', ['#EXIT', '!', 'stored']],
      ['G', ['G', '!', 'stored']],
    ] as const) {
      const key = `live-${first.charCodeAt(0)}-${first.length}`
      const upload = open(key)
      const got = follow(upload)
      t.equal(upload.isWithheld, false)
      upload.add(Buffer.from(first, 'latin1'))
      upload.add(Buffer.from('!'))
      t.equal((await upload.finish()).kind, 'stored')
      t.same(got, told, JSON.stringify(first))
      t.equal(text(key), Buffer.from(`${first}!`, 'latin1').toString())
    }
  },
)

t.test('nobody reads along with what is packed', async (t) => {
  const { open } = await openTestOrigin()
  t.equal(open('live', { contentEncoding: 'gzip' }).isWithheld, true)
})
