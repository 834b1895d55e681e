/**
 * Init sections and keys of one rendition: many segments need one, and it is fetched once. What is
 * lost is asked for again by the next segment that needs it.
 */

import type { SourceResource } from './media-document.ts'
import type { Transferred } from './transfer.ts'

interface Entry {
  readonly transferred: Promise<Transferred>
  readonly startedAtMonotonicMs: number
}

/** A source that signs each URL anew would fill it without end. */
const ENTRIES_MAX = 2000

export class ResourceStore {
  readonly #entries = new Map<string, Entry>()

  /** @param transfer  Called when it is not there, or stored longer ago than `freshMs`. */
  obtain(
    resource: SourceResource,
    options: {
      readonly nowMonotonicMs: number
      readonly freshMs: number
      readonly transfer: () => Promise<Transferred>
    },
  ): Promise<Transferred> {
    const id = idOf(resource)
    const known = this.#entries.get(id)
    const { nowMonotonicMs, freshMs } = options
    if (known !== undefined && nowMonotonicMs - known.startedAtMonotonicMs < freshMs) {
      return known.transferred
    }
    const entry = { transferred: options.transfer(), startedAtMonotonicMs: nowMonotonicMs }
    this.#set(id, entry)
    const forget = () => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id)
    }
    entry.transferred.then(({ kind }) => (kind === 'lost' ? forget() : undefined), forget)
    return entry.transferred
  }

  /** The same thing under another URL: only its signature is new. */
  alias(known: SourceResource, resource: SourceResource): void {
    const id = idOf(resource)
    const entry = this.#entries.get(idOf(known))
    if (entry === undefined || this.#entries.has(id)) return
    if (known.url.pathname === resource.url.pathname) this.#set(id, entry)
  }

  forget(): void {
    this.#entries.clear()
  }

  #set(id: string, entry: Entry): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(id, entry)
  }
}

function idOf({ url, range }: SourceResource): string {
  return range === undefined ? url.href : `${range.lengthBytes}@${range.offsetBytes} ${url.href}`
}
