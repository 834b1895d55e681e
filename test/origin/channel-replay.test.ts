/**
 * Recorded encoders in their own time against the origin's rules: no healthy one may be called broken
 * or stale, nor be told of with anything but `info`.
 */

import t from 'tap'
import { itemKeyFromText, toStoreKey } from '../../src/base/names.ts'
import type { Upload } from '../../src/origin/upload.ts'
import {
  encoderFixtureNames,
  fixtureBytes,
  readEncoderFixture,
} from '../support/encoder-fixture.ts'
import { cacheName, openTestOrigin } from './support.ts'

/** What is wrong with these by itself: their uploads are not what an origin can make a channel of. */
const FAULTY: ReadonlyMap<string, readonly string[]> = new Map([
  // ffmpeg's single file removes a byte range from the beginning and forgets to count.
  ['ts-singlefile', ['media-sequence-mismatch']],
])

/** Seconds were left out of the record. */
const WITH_HOLES = new Set(['shaka-fmp4'])

interface Step {
  readonly atMs: number
  readonly run: () => unknown
}

async function replay(name: string) {
  const { origin, clock, caches, events } = await openTestOrigin()
  const findings = new Set<string>()
  const states: string[] = []
  events.on('finding', ({ finding }) => {
    if (finding.severity !== 'info') findings.add(finding.rule)
  })
  events.on('channel-changed', ({ key, state, detail }) => states.push(`${key} ${state} ${detail}`))
  const steps: Step[] = []
  const live = cacheName('live')
  for (const { target, method, body, atMs } of readEncoderFixture(name).requests) {
    const [path = '', query = ''] = target.split('?')
    const keyInQuery = /(?:^|&)key=([^&]*)/.exec(query)?.[1]
    const key = itemKeyFromText(keyInQuery ?? path.split('/').slice(3).join('/'))
    if (key === undefined || method === 'GET') continue
    const storeKey = toStoreKey(live, key)
    if (method === 'DELETE') {
      steps.push({ atMs, run: () => origin.delete(storeKey) })
      continue
    }
    let upload: Upload | undefined
    const request = {
      ...{ cache: caches.read('live'), key, storeKey, ttlSeconds: 3600, contentType: undefined },
      ...{ contentEncoding: '', ownHosts: ['origin.example'], credentials: [] },
      keyForm: keyInQuery === undefined ? ('path' as const) : ('query' as const),
    }
    steps.push({ atMs, run: () => (upload = origin.openUpload(request)) })
    const text = body.text?.replaceAll('{{host}}', 'origin.example')
    const finish = async () => {
      if (body.sentBytes !== undefined) return upload?.abort()
      const bytes = text === undefined ? fixtureBytes(key, body.sizeBytes ?? 0) : Buffer.from(text)
      if (bytes.length > 0) upload?.add(bytes)
      return upload?.finish()
    }
    steps.push({ atMs: body.endAtMs ?? body.lastAtMs ?? atMs, run: finish })
  }
  let nowMs = 0
  for (const step of steps.toSorted((left, right) => left.atMs - right.atMs)) {
    clock.advance(Math.max(0, step.atMs - nowMs))
    nowMs = Math.max(nowMs, step.atMs)
    await step.run()
  }
  const channels = origin.channels.list()
  origin.close()
  return { findings: [...findings], states, channels }
}

for (const name of encoderFixtureNames()) {
  t.test(name, async (t) => {
    const { findings, states, channels } = await replay(name)
    if (WITH_HOLES.has(name)) return
    t.same(findings, FAULTY.get(name) ?? [])
    for (const state of states) t.notMatch(state, / (?:broken|stale) /, state)
    for (const channel of channels) {
      t.equal(channel.missingSegmentCount, 0, `${channel.key}: nothing is missing`)
      t.ok(
        (channel.publishDelaySeconds ?? 0) < 6,
        `${channel.key}: ${channel.publishDelaySeconds} s late`,
      )
    }
  })
}
