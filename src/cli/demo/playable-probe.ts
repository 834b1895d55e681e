/** Whether a channel can be played: its playlists and its newest segment can be read. */

import type { Clock } from '../../base/clock.ts'
import type { ItemOutcome } from '../item-client.ts'

/** What the probe needs of a client; `ItemClient` is one. */
export interface ItemReader {
  urlOf(key: string): URL
  get(url: URL): Promise<ItemOutcome>
}

/** Absent: playable. Otherwise what is missing, for people. */
export type PlayableProblem = string | undefined

/** Reads as a player does: multivariant playlist, its first variant, that one's last segment. */
export async function probePlayable(
  client: ItemReader,
  playlistKey: string,
): Promise<PlayableProblem> {
  const multivariantUrl = client.urlOf(playlistKey)
  const multivariant = await readLines(client, multivariantUrl)
  if (typeof multivariant === 'string') return multivariant
  const [variantUri] = multivariant
  if (variantUri === undefined) return `${playlistKey} names no variant`
  const mediaUrl = new URL(variantUri, multivariantUrl)
  const media = await readLines(client, mediaUrl)
  if (typeof media === 'string') return media
  const segmentUri = media.at(-1)
  if (segmentUri === undefined) return `${variantUri} names no segment`
  const segment = await client.get(new URL(segmentUri, mediaUrl))
  return segment.kind === 'ok' ? undefined : formatProblem(segmentUri, segment)
}

/**
 * Asks every `intervalMs` until the channel can be played.
 *
 * @returns What was still missing when `timeoutMs` were over, or when `isCancelled` said so.
 */
export async function waitUntilPlayable(
  client: ItemReader,
  playlistKey: string,
  options: {
    readonly clock: Clock
    readonly timeoutMs: number
    readonly intervalMs?: number
    readonly isCancelled?: () => boolean
  },
): Promise<PlayableProblem> {
  const { clock } = options
  const deadlineMs = clock.monotonicMs() + options.timeoutMs
  for (;;) {
    const problem = await probePlayable(client, playlistKey)
    if (problem === undefined) return undefined
    if (options.isCancelled?.() === true || clock.monotonicMs() >= deadlineMs) return problem
    await new Promise<void>((resolve) => {
      clock.setTimer(resolve, options.intervalMs ?? 250)
    })
  }
}

/** A playlist's URIs, or the problem. */
async function readLines(client: ItemReader, url: URL): Promise<readonly string[] | string> {
  const outcome = await client.get(url)
  if (outcome.kind === 'failed') return formatProblem(url.pathname, outcome)
  const lines = outcome.body.toString('utf8').split(/\r?\n/)
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

function formatProblem(
  name: string,
  failure: { readonly statusCode: number | undefined; readonly reason: string },
): string {
  const status = failure.statusCode === undefined ? '' : `${failure.statusCode} `
  return `${name}: ${status}${failure.reason}`
}
