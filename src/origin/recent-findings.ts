/** The last findings of all playlists, newest first: `findings.ts` keeps them for each. */

import type { Clock } from '../base/clock.ts'
import type { CacheName, ItemKey } from '../base/names.ts'
import type { OriginEvents } from './events.ts'
import type { KeptFinding } from './findings.ts'

export interface RecentFinding extends KeptFinding {
  readonly cacheName: CacheName
  readonly key: ItemKey
}

export const RECENT_FINDINGS_MAX = 1000

export class RecentFindings {
  /** Oldest first. */
  readonly #findings: RecentFinding[] = []

  constructor({ events, clock }: { readonly events: OriginEvents; readonly clock: Clock }) {
    events.on('finding', ({ cacheName, key, finding }) => {
      this.#findings.push({ ...finding, cacheName, key, atMs: clock.nowMs() })
      if (this.#findings.length > RECENT_FINDINGS_MAX) this.#findings.shift()
    })
  }

  /** Forgets those of a cache. */
  forgetCache(cacheName: CacheName): void {
    const kept = this.#findings.filter((finding) => finding.cacheName !== cacheName)
    this.#findings.splice(0, this.#findings.length, ...kept)
  }

  /** Newest first, at most `limit` of those that `isWanted` takes. */
  list(limit: number, isWanted: (finding: RecentFinding) => boolean): readonly RecentFinding[] {
    const found: RecentFinding[] = []
    for (let index = this.#findings.length - 1; index >= 0 && found.length < limit; index--) {
      const finding = this.#findings[index]
      if (finding !== undefined && isWanted(finding)) found.push(finding)
    }
    return found
  }
}
