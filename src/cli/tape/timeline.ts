/** What happens when on a tape, in the order in which it happened; for a player that keeps the order. */

import type { Tape, TapedRequest } from './tape-source.ts'

export type TapeEvent = { readonly at: number } & (
  | { readonly kind: 'start' | 'end' | 'answered'; readonly request: TapedRequest }
  | { readonly kind: 'chunk'; readonly request: TapedRequest; readonly index: number }
  | { readonly kind: 'close'; readonly connection: number }
)

interface Ordered {
  readonly event: TapeEvent
  /** Of what happened within one tenth of a millisecond: a request at a time, its connection last. */
  readonly number: number
  readonly rank: number
}

/** Refused before their body had come: there is nothing to send, or nothing to send it with. */
export function isPlayed(request: TapedRequest): boolean {
  return request.end !== 'refused' && request.status !== 401
}

export function timelineOf({ requests, closes }: Pick<Tape, 'requests' | 'closes'>): TapeEvent[] {
  const ordered: Ordered[] = []
  for (const request of requests) {
    if (!isPlayed(request)) continue
    const { number, at, chunks, endAt, answeredAt } = request
    const add = (event: TapeEvent, rank: number) => ordered.push({ event, number, rank })
    add({ kind: 'start', at, request }, 0)
    chunks.forEach(([chunkAt], index) => add({ kind: 'chunk', at: chunkAt, request, index }, 1))
    add({ kind: 'end', at: endAt, request }, 2)
    // Told after the answer had left: never before the body's end, whatever was measured.
    add({ kind: 'answered', at: Math.max(endAt, answeredAt), request }, 3)
  }
  for (const { connection, at } of closes) {
    ordered.push({ event: { kind: 'close', at, connection }, number: Infinity, rank: 4 })
  }
  ordered.sort(
    (one, other) =>
      one.event.at - other.event.at || one.number - other.number || one.rank - other.rank,
  )
  return ordered.map(({ event }) => event)
}
