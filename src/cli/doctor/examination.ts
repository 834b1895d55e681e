/**
 * The order of questions: each step asks, hands what came to a judge, and keeps the findings. About
 * forty requests and, for a live channel, two target durations.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { parsePlaylist } from '../../hls/playlist.ts'
import type { MediaPlaylist } from '../../hls/playlist.ts'
import type { Answer, Outcome } from './answer.ts'
import { cacheControlOf, isStatus, textOf } from './answer.ts'
import { detectCdn } from './cdn.ts'
import type { Cdn } from './cdn.ts'
import { CHECK_IDS, unchecked } from './finding.ts'
import type { CheckId, Finding } from './finding.ts'
import { findPlaylist } from './find-playlist.ts'
import type { FoundPlaylist } from './find-playlist.ts'
import {
  judgeMissing,
  judgeMoves,
  judgePlaylistCaching,
  judgeSegmentCaching,
  judgeStale,
} from './judge-caching.ts'
import type { PlaylistLook } from './judge-caching.ts'
import { judgeDate, judgeLastModified } from './judge-clock.ts'
import { judgeLeak, judgeShared } from './judge-keys.ts'
import {
  judgeInitSections,
  judgeLive,
  judgeParse,
  judgeSegments,
  judgeTypes,
  judgeVariants,
} from './judge-playlists.ts'
import type { MediaRead } from './judge-playlists.ts'
import { judgeKeepAlive } from './judge-reach.ts'
import { judgeCors, judgeGzip, judgePreflight, judgeRanges } from './judge-transfer.ts'
import type { ProbeClient } from './probe-client.ts'
import { readChannel } from './read-channel.ts'
import type { Channel } from './read-channel.ts'
import { PAGE_ORIGIN, Reader, resolveUri, withParameter } from './reader.ts'

export interface ExaminationOptions {
  readonly url: string
  readonly key: string | undefined
  readonly secondKey: string | undefined
  readonly client: ProbeClient
  readonly clock: Clock
  /** Waits; the only way in which this takes long. */
  readonly sleep: (ms: number) => Promise<void>
  readonly userAgent: string
}

export interface Examination {
  /** One for each check, in the table's order. */
  readonly findings: readonly Finding[]
  readonly cdn: Cdn
  /** Where the playlist was found. */
  readonly url: string
}

/** Longer than what a 404 may be kept, so that a second one that is kept stands out. */
const MISSING_PAUSE_MS = 2500
/** The longest look at a playlist that does not move. */
const WATCH_MS_MAX = 60_000
const LOOKS_MAX = 6
/** The longest wait for a copy to grow old before readers are told apart. */
const COPY_MS_MAX = 5000

export async function examine(options: ExaminationOptions): Promise<Examination> {
  const { url, key, client, clock, userAgent } = options
  const reader = new Reader({ client, url, key, userAgent })
  const search = await findPlaylist({
    ...{ url, hasKey: key !== undefined, reader, client },
    nowMs: () => clock.nowMs(),
  })
  const findings = [...search.findings]
  const { found } = search
  if (found !== undefined) await examineChannel({ options, reader, found, findings })
  findings.push(judgeKeepAlive(client.answers), judgeDate(client.answers))
  const why = found === undefined ? 'no playlist could be read' : 'does not apply'
  return {
    findings: CHECK_IDS.map((id) => findingOf(findings, id, why)),
    cdn: detectCdn(client.answers),
    url: found?.url ?? url,
  }
}

function findingOf(findings: readonly Finding[], id: CheckId, why: string): Finding {
  return findings.find((finding) => finding.id === id) ?? unchecked(id, why)
}

/** What all steps after the search have. */
interface Visit {
  readonly options: ExaminationOptions
  readonly reader: Reader
  readonly found: FoundPlaylist
  readonly findings: Finding[]
}

/** A media playlist that was read, and its newest segment. */
interface Sample {
  readonly url: string
  readonly answer: Answer
  readonly playlist: MediaPlaylist
  readonly segment: Answer | undefined
}

async function examineChannel(visit: Visit): Promise<void> {
  const { options, reader, found, findings } = visit
  findings.push(judgeParse(found.answer, found.playlist))
  const channel = await readChannel(reader, found.url, found.playlist, found.answer)
  const sample = sampleOf(channel.reads)
  judgeContent(visit, channel, sample)
  findings.push(judgeLeak([found.answer, ...answersOf(channel)].map(textOf)))
  if (sample !== undefined) {
    judgeStaticCaching(visit, sample)
    const missing = await examineMissing(visit, sample)
    findings.push(
      ...judgeCors({
        ...{ playlist: sample.answer, segment: sample.segment, missing },
        cdn: detectCdn(options.client.answers),
      }),
    )
    await examinePreflight(visit, sample)
    await examineTransfer(visit, sample)
    if (!sample.playlist.ended) await examineMoves(visit, sample)
  }
  await examineReaders(visit)
}

function judgeContent(visit: Visit, channel: Channel, sample: Sample | undefined): void {
  const { found, findings } = visit
  const { reads, namedCount } = channel
  if (found.playlist.kind === 'multivariant' && namedCount > 0) {
    findings.push(judgeVariants(reads, namedCount))
  }
  if (sample !== undefined) findings.push(judgeLive(sample.playlist))
  findings.push(
    judgeSegments(reads),
    judgeInitSections(reads),
    judgeTypes([
      { url: found.url, outcome: found.answer },
      ...reads.flatMap((read) => [
        read,
        ...[read.newestSegment, read.initSection].filter((object) => object !== undefined),
      ]),
    ]),
  )
}

/** The first that could be read; with a segment, if any has one. */
function sampleOf(reads: readonly MediaRead[]): Sample | undefined {
  for (const { url, outcome, playlist, newestSegment } of reads) {
    if (playlist === undefined || outcome.kind === 'failure') continue
    const segment = newestSegment?.outcome
    return {
      ...{ url, answer: outcome, playlist },
      segment: isStatus(segment, 200) && segment.body.length > 0 ? segment : undefined,
    }
  }
  return undefined
}

function answersOf({ reads }: Channel): readonly Answer[] {
  return reads.flatMap(({ outcome, playlist }) =>
    outcome.kind === 'answer' && playlist !== undefined ? [outcome] : [],
  )
}

function judgeStaticCaching({ options, reader, found, findings }: Visit, sample: Sample): void {
  const common = {
    isLive: !sample.playlist.ended,
    targetDurationSeconds: sample.playlist.targetDurationSeconds,
    sentAuthorization: reader.mode === 'header',
    cdn: detectCdn(options.client.answers),
  }
  if (found.playlist.kind === 'multivariant') {
    findings.push(
      judgePlaylistCaching({ ...common, id: 'caching.multivariant', answer: found.answer }),
    )
  }
  findings.push(judgePlaylistCaching({ ...common, id: 'caching.media', answer: sample.answer }))
  if (sample.segment !== undefined) {
    findings.push(judgeSegmentCaching({ ...common, answer: sample.segment }))
  }
}

/** @returns The first answer to a name that never existed. */
async function examineMissing(visit: Visit, sample: Sample): Promise<Outcome> {
  const { options, reader, findings } = visit
  const { clock, sleep, client } = options
  const url = missingUrl(sample)
  const first = await reader.get(url)
  const startMs = clock.monotonicMs()
  await sleep(MISSING_PAUSE_MS)
  const second = await reader.get(url)
  const pauseSeconds = (clock.monotonicMs() - startMs) / 1000
  findings.push(judgeMissing({ first, second, pauseSeconds, cdn: detectCdn(client.answers) }))
  return first
}

/** Beside the segments and with their extension: a CDN's rules go by both. */
function missingUrl({ url, segment, playlist }: Sample): string {
  const like = segment?.url ?? resolveUri(playlist.lastSegmentUris.at(-1) ?? 'x.ts', url) ?? url
  const extension = /\.[a-z0-9]{1,8}$/i.exec(like.replace(/[?#].*$/s, ''))?.[0] ?? '.ts'
  const name = `headwater-doctor-${randomBytes(8).toString('hex')}${extension}`
  return resolveUri(name, like) ?? url
}

async function examinePreflight(visit: Visit, sample: Sample): Promise<void> {
  const { options, found, findings } = visit
  const outcome = await options.client.ask({
    url: sample.segment?.url ?? sample.url,
    method: 'OPTIONS',
    headers: {
      'user-agent': options.userAgent,
      origin: PAGE_ORIGIN,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,range',
    },
  })
  const needsKey = isStatus(found.anonymous, 401, 403, 404)
  findings.push(judgePreflight(outcome, needsKey, detectCdn(options.client.answers)))
}

async function examineTransfer(visit: Visit, sample: Sample): Promise<void> {
  const { options, reader, findings } = visit
  const { url, segment } = sample
  const gzip = { 'accept-encoding': 'gzip' }
  const identity = await reader.get(url)
  const playlist = await reader.get(url, { headers: gzip })
  const coded =
    segment === undefined
      ? undefined
      : // Not HEAD: nginx compresses nothing there.
        await reader.get(segment.url, { headers: gzip, bodyBytesMax: segment.body.length })
  findings.push(
    ...judgeGzip({
      ...{ playlist, identity: isStatus(identity, 200) ? identity : sample.answer },
      ...{ segment: coded, cdn: detectCdn(options.client.answers) },
    }),
  )
  const playlistRanged = await reader.get(url, { headers: { range: 'bytes=0-6' } })
  if (segment === undefined) return
  const etag = segment.headers['etag']
  const ranged = await reader.get(segment.url, { headers: { range: 'bytes=0-187' } })
  const ifRange = { range: 'bytes=0-187', 'if-range': '"headwater-doctor"' }
  const ifRangeOther =
    isStatus(ranged, 206) && etag !== undefined
      ? await reader.get(segment.url, { headers: ifRange, bodyBytesMax: segment.body.length })
      : undefined
  findings.push(
    ...judgeRanges({
      ...{ whole: segment, ranged, ifRangeOther, playlistRanged },
      head: await reader.get(segment.url, { method: 'HEAD' }),
      conditional: await askConditionally(reader, segment),
      needsRanges: sample.playlist.segments.some(({ byteRange }) => byteRange !== undefined),
    }),
  )
}

async function askConditionally(reader: Reader, segment: Answer): Promise<Outcome | undefined> {
  const { etag, 'last-modified': lastModified } = segment.headers
  const headers: Record<string, string> = {}
  if (etag !== undefined) headers['if-none-match'] = etag
  else if (lastModified !== undefined) headers['if-modified-since'] = lastModified
  else return undefined
  return reader.get(segment.url, { headers, bodyBytesMax: segment.body.length })
}

/** Watches the media playlist for two target durations, or until it has moved. */
async function examineMoves(visit: Visit, sample: Sample): Promise<void> {
  const { options, reader, findings } = visit
  const { clock, sleep, client } = options
  const { targetDurationSeconds } = sample.playlist
  // A playlist may move just after the two are over; a second more, for caches of one.
  const watchMs = Math.min(WATCH_MS_MAX, (2 * targetDurationSeconds + 1) * 1000)
  const looks: PlaylistLook[] = []
  const startMs = clock.monotonicMs()
  for (let count = 0; count < LOOKS_MAX; count++) {
    if (count > 0) await sleep(watchMs / (LOOKS_MAX - 1))
    const look = await lookAt(reader, sample.url)
    if (look !== undefined) looks.push(look)
    const [first] = looks
    if (first !== undefined && look !== undefined && look.edgeNumber > first.edgeNumber) break
  }
  const waitedSeconds = (clock.monotonicMs() - startMs) / 1000
  const isMoved = looks.some(({ edgeNumber }) => edgeNumber > (looks[0]?.edgeNumber ?? 0))
  const fresh = isMoved
    ? undefined
    : await lookAt(
        reader,
        withParameter(sample.url, 'headwater-doctor', randomBytes(8).toString('hex')),
      )
  const cdn = detectCdn(client.answers)
  findings.push(
    judgeMoves({ looks, targetDurationSeconds, waitedSeconds, fresh, cdn }),
    judgeStale({ looks, targetDurationSeconds }),
    judgeLastModified(looks, targetDurationSeconds),
  )
}

async function lookAt(reader: Reader, url: string): Promise<PlaylistLook | undefined> {
  const answer = await reader.get(url)
  if (!isStatus(answer, 200)) return undefined
  const playlist = parsePlaylist(textOf(answer))
  if (playlist?.kind !== 'media') return undefined
  return { answer, edgeNumber: playlist.mediaSequenceNumber + playlist.segmentCount }
}

/** Two readers one right after the other; copies of what was asked before are left to grow old. */
async function examineReaders(visit: Visit): Promise<void> {
  const { options, reader, found, findings } = visit
  const { key, secondKey, sleep, client } = options
  if (key === undefined || !found.opensByQuery) {
    findings.push(
      judgeShared({
        ...{ plain: undefined, first: undefined, next: undefined },
        ...{ nextSays: 'without a key', isNextRefusedByOrigin: undefined, cdn: 'none' },
      }),
    )
    return
  }
  const { maxAgeSeconds = 1 } = cacheControlOf(found.answer)
  await sleep(Math.min(COPY_MS_MAX, maxAgeSeconds * 1000 + 500))
  const first = await reader.get(found.url, { mode: 'query' })
  const next =
    secondKey === undefined
      ? await reader.get(found.url, { mode: 'none' })
      : await reader.get(found.url, { mode: 'query', key: secondKey })
  const unseen = withParameter(found.url, 'headwater-doctor', randomBytes(8).toString('hex'))
  const direct =
    secondKey === undefined
      ? await reader.get(unseen, { mode: 'none' })
      : await reader.get(unseen, { mode: 'query', key: secondKey })
  findings.push(
    judgeShared({
      plain: reader.mode === 'header' ? textOf(found.answer) : undefined,
      first: textIf200(first),
      next: textIf200(next),
      nextSays: secondKey === undefined ? 'without a key' : 'with another key',
      isNextRefusedByOrigin: isStatus(direct, 401, 403),
      cdn: detectCdn(client.answers),
    }),
  )
}

function textIf200(outcome: Outcome): string | undefined {
  return isStatus(outcome, 200) ? textOf(outcome) : undefined
}
