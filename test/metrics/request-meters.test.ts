import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { PlaylistReads } from '../../src/metrics/playlist-reads.ts'
import { RequestMeters } from '../../src/metrics/request-meters.ts'
import type { MeasuredRequest } from '../../src/metrics/request-meters.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { cacheName, itemKey } from '../origin/support.ts'

const storeKey = (name: string) => toStoreKey(cacheName('live'), itemKey(name))

const item = (name: string, kind: StoredItem['kind']): StoredItem => ({
  storeKey: storeKey(name),
  chunks: [],
  sizeBytes: 0,
  kind,
  contentType: '',
  contentEncoding: '',
  etag: '',
  storedAtMs: 0,
  ttlSeconds: 1,
  expiresAtMonotonicMs: 0,
  version: 1,
  attachment: undefined,
})

const request = (fields: Partial<MeasuredRequest>): MeasuredRequest => ({
  operation: 'read',
  statusCode: 200,
  isComplete: true,
  source: 'store',
  item: item('a.m3u8', 'media'),
  objectAgeMs: 1500,
  heldMs: 0,
  headAfterMs: 0.2,
  durationMs: 0.4,
  bytesIn: 0,
  bytesOut: 100,
  ...fields,
})

function open(playlistsMax = 2) {
  const playlistReads = new PlaylistReads(playlistsMax)
  return { playlistReads, meters: new RequestMeters(playlistReads) }
}

t.test('a hit counts in every place that it belongs to', async (t) => {
  const { meters, playlistReads } = open()
  meters.requestEnded(request({}))
  t.equal(meters.operations.read.countOfClass(2), 1)
  t.equal(meters.operations.read.byStatusCode[200], 1)
  t.equal(meters.operations.read.bytesOut, 100)
  t.equal(meters.getHit.count, 1)
  t.equal(meters.getHit.sum, 0.0004)
  t.equal(meters.firstByte.store.sum, 0.0002)
  t.equal(meters.objectAge.media.sum, 1.5)
  t.equal(meters.put.count, 0)
  t.same(playlistReads.get(storeKey('a.m3u8')), { count: 1, ageSecondsSum: 1.5 })
})

t.test('304 is a hit, a miss is none', async (t) => {
  const { meters } = open()
  meters.requestEnded(request({ statusCode: 304 }))
  meters.requestEnded(request({ statusCode: 404, source: 'none', item: undefined }))
  meters.requestEnded(request({ statusCode: 503 }))
  t.equal(meters.getHit.count, 1)
  t.equal(meters.operations.read.countOfClass(3), 1)
  t.equal(meters.operations.read.countOfClass(4), 1)
  t.equal(meters.operations.read.countOfClass(5), 1)
})

t.test('a wait is no latency of memory', async (t) => {
  const { meters } = open()
  meters.requestEnded(request({ heldMs: 900, headAfterMs: 901 }))
  t.equal(meters.getHit.count, 0)
  t.equal(meters.firstByte.store.count, 0)
  t.equal(meters.firstByte.held.sum, 0.901)
  meters.requestEnded(request({ source: 'upload', item: undefined }))
  t.equal(meters.firstByte.upload.count, 1)
  t.equal(meters.objectAge.segment.count, 0)
})

t.test('writes: only those that were stored have a latency', async (t) => {
  const { meters } = open()
  const write = { operation: 'write', source: 'none', item: undefined, bytesIn: 50 } as const
  meters.requestEnded(request({ ...write, statusCode: 204, durationMs: 2000 }))
  meters.requestEnded(request({ ...write, statusCode: 401 }))
  t.equal(meters.put.count, 1)
  t.equal(meters.put.sum, 2)
  t.equal(meters.operations.write.bytesIn, 100)
})

t.test('what broke off counts as broken, with its bytes, under no status', async (t) => {
  const { meters } = open()
  meters.requestEnded(request({ isComplete: false }))
  meters.requestEnded(request({ isComplete: false, statusCode: 0, operation: 'other' }))
  t.equal(meters.operations.read.brokenCount, 1)
  t.equal(meters.operations.read.bytesOut, 100)
  t.equal(meters.operations.read.countOfClass(2), 0)
  t.equal(meters.operations.other.brokenCount, 1)
  t.equal(meters.getHit.count, 0)
})

t.test('playlists are followed up to a bound, and forgotten with their channel', async (t) => {
  const { meters, playlistReads } = open(2)
  for (const name of ['a.m3u8', 'b.m3u8', 'c.m3u8', 'a.m3u8']) {
    meters.requestEnded(request({ item: item(name, 'media') }))
  }
  t.equal(playlistReads.size, 2)
  t.equal(playlistReads.get(storeKey('a.m3u8'))?.count, 2)
  t.equal(playlistReads.get(storeKey('c.m3u8')), undefined, 'over the bound')
  playlistReads.retain(new Set([storeKey('b.m3u8')]))
  t.equal(playlistReads.size, 1)
  meters.requestEnded(request({ item: item('c.m3u8', 'media') }))
  t.ok(playlistReads.get(storeKey('c.m3u8')), 'there is room again')
})
