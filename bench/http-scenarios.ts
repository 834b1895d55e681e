/** The scenarios of requests to a running origin: what is stored, what is asked for, by how many. */

import { compareObjects, expectEmpty, storeObjects } from './exchange.ts'
import type { ExchangeOptions } from './exchange.ts'
import {
  chunkedBody,
  encoderHeaders,
  KIB,
  pathOf,
  playerHeaders,
  playlists,
  requestHead,
  segmentBody,
  segments,
} from './objects.ts'
import type { BenchObject } from './objects.ts'
import { startRawLoad } from './raw-client.ts'
import type { RawRequest } from './raw-client.ts'
import { Recorder } from './recorder.ts'
import type { Load } from './recorder.ts'
import { startSmallLoad } from './small-load.ts'
import type { SmallRequest } from './small-load.ts'

export interface HttpScenario {
  readonly name: string
  /** Once, before anything is measured. */
  warmUp?(target: ExchangeOptions): Promise<void>
  /** Stores what it needs, compares bytes. Called before each round: other scenarios may evict. */
  start(target: ExchangeOptions, recorder: Recorder): Promise<Load>
}

const SMALL_CONNECTIONS = 64
const SEGMENT_CONNECTIONS = 16
export const UPLOAD_CONNECTIONS = 8
export const UPLOAD_BYTES = 850 * KIB
const UPLOAD_CHUNK_BYTES = 64 * KIB

/** The measured origin's. Uploads are measured with it full, as on an origin that has been up. */
export const HOT_STORE_BYTES = 512 * 1024 * KIB
/** Into memory the process has never touched an upload costs five times as much (README.md). */
const UPLOAD_FILL_COUNT = Math.ceil((2 * HOT_STORE_BYTES) / UPLOAD_BYTES)

export function httpScenarios(): readonly HttpScenario[] {
  return [
    { name: 'get-playlist', start: startPlaylist },
    { name: 'get-playlist-304', start: startNotModified },
    { name: 'get-miss-404', start: startMiss },
    segmentScenario('get-segment-250k', 250 * KIB),
    segmentScenario('get-segment-500k', 500 * KIB),
    segmentScenario('get-segment-850k', 850 * KIB),
    uploadScenario('put-segment-850k', 'content-length'),
    uploadScenario('put-segment-850k-chunked', 'chunked'),
  ]
}

async function startPlaylist(target: ExchangeOptions, recorder: Recorder): Promise<Load> {
  const objects = playlists()
  await storeObjects(objects, target)
  await compareObjects(objects, target)
  const headers = playerHeaders(target.apiKey)
  return startSmall(target, recorder, {
    requests: objects.map(({ path }) => ({ path, headers })),
    status: 200,
    bodyBytes: objects[0]?.body.length ?? 0,
  })
}

async function startNotModified(target: ExchangeOptions, recorder: Recorder): Promise<Load> {
  const objects = playlists()
  await storeObjects(objects, target)
  const etags = await compareObjects(objects, target)
  const requests = objects.map(({ path }, index) => ({
    path,
    headers: { ...playerHeaders(target.apiKey), 'If-None-Match': etags[index] ?? '' },
  }))
  for (const { path, headers } of requests) {
    await expectEmpty(path, target.url, { status: 304, headers })
  }
  return startSmall(target, recorder, { requests, status: 304, bodyBytes: 0 })
}

/** A segment that players ask for too early. */
function startMiss(target: ExchangeOptions, recorder: Recorder): Promise<Load> {
  const headers = playerHeaders(target.apiKey)
  const requests = playlists().map(({ path }) => ({ path: `${path}.not-yet.ts`, headers }))
  return startSmall(target, recorder, { requests, status: 404, bodyBytes: 0 })
}

function startSmall(
  { url }: ExchangeOptions,
  recorder: Recorder,
  load: {
    readonly requests: readonly SmallRequest[]
    readonly status: number
    readonly bodyBytes: number
  },
): Promise<Load> {
  return startSmallLoad({ ...load, url, recorder, connections: SMALL_CONNECTIONS })
}

function segmentScenario(name: string, sizeBytes: number): HttpScenario {
  return {
    name,
    start: async (target, recorder) => {
      const objects = segments(sizeBytes)
      await storeObjects(objects, target)
      await compareObjects(objects, target)
      const headers = playerHeaders(target.apiKey)
      const requests = objects.map(({ path }) => ({
        pieces: [requestHead('GET', target.url, path, headers)],
        status: 200,
        answerBytes: sizeBytes,
        bodyBytes: sizeBytes,
      }))
      return startRawLoad({
        url: target.url,
        connections: SEGMENT_CONNECTIONS,
        nextRequest: inTurn(requests),
        recorder,
      })
    },
  }
}

function uploadScenario(name: string, framing: 'content-length' | 'chunked'): HttpScenario {
  return {
    name,
    warmUp: async (target) => {
      const nextUpload = uploads(target, framing)
      const load = await startRawLoad({
        url: target.url,
        connections: UPLOAD_CONNECTIONS,
        requestCount: UPLOAD_FILL_COUNT,
        nextRequest: () => nextUpload().request,
        recorder: new Recorder(),
      })
      await load.done
    },
    start: async (target, recorder) => {
      const nextUpload = uploads(target, framing)
      await compareUpload(target, nextUpload)
      return startRawLoad({
        url: target.url,
        connections: UPLOAD_CONNECTIONS,
        nextRequest: () => nextUpload().request,
        recorder,
      })
    },
  }
}

export interface Upload {
  readonly object: BenchObject
  readonly request: RawRequest
}

/** Numbers every key of a run: an encoder never writes a name twice. */
let sequence = 0

/** A segment with a name of its own at each call. */
export function uploads(
  target: ExchangeOptions,
  framing: 'content-length' | 'chunked',
): () => Upload {
  const body = segmentBody(UPLOAD_BYTES, 1)
  const wire = framing === 'chunked' ? chunkedBody(body, UPLOAD_CHUNK_BYTES) : body
  const headers = {
    ...encoderHeaders(target.apiKey),
    ...(framing === 'chunked'
      ? { 'Transfer-Encoding': 'chunked' }
      : { 'Content-Length': String(body.length) }),
  }
  return () => {
    const path = pathOf(`upload/video_${String(sequence++).padStart(8, '0')}.ts`)
    const head = requestHead('PUT', target.url, `${path}?ttl_seconds=3600`, headers)
    return {
      object: { path, body },
      request: {
        pieces: [head, wire],
        status: 204,
        answerBytes: 0,
        bodyBytes: body.length,
      },
    }
  }
}

/** Uploads one segment as the scenario does and reads it back. */
async function compareUpload(target: ExchangeOptions, nextUpload: () => Upload): Promise<void> {
  const { object, request } = nextUpload()
  const recorder = new Recorder()
  const load = await startRawLoad({
    url: target.url,
    connections: 1,
    requestCount: 1,
    nextRequest: () => request,
    recorder,
  })
  await load.done
  recorder.take()
  await compareObjects([object], target)
}

function inTurn<Value>(values: readonly Value[]): () => Value {
  let next = 0
  return () => {
    const value = values[next]
    next = (next + 1) % values.length
    if (value === undefined) throw new Error('a scenario without requests')
    return value
  }
}
