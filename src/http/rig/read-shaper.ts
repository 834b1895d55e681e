/**
 * What faults and scenarios make of the object that a read is answered with: an older version, another
 * text, always an ETag of its own, so that no cache takes it for the true one.
 */

import { createHash } from 'node:crypto'
import { splitStoreKey } from '../../base/names.ts'
import type { Representation } from '../../origin/representations.ts'
import type { FaultRule } from '../../rig/fault-rule.ts'
import { lowerSequence, prefixItemUris } from '../../rig/playlist-faults.ts'
import type { StoredItem } from '../../storage/store.ts'
import type { ReadFault } from '../item-read.ts'

export interface ReadShaperOptions {
  readonly rules: readonly FaultRule[]
  /** As in `/rig/<path>/cache/…`; `undefined` without a scenario. */
  readonly scenarioPath: string | undefined
  readonly keyForm: 'path' | 'query'
  /** Hosts that are this origin, lower case. */
  readonly ownHosts: readonly string[]
}

export class ReadShaper implements ReadFault {
  readonly #options: ReadShaperOptions
  readonly #etagSuffix: string

  /** `undefined` when the read is to be answered as ever. */
  static for(options: ReadShaperOptions): ReadShaper | undefined {
    const { rules, scenarioPath } = options
    return scenarioPath === undefined && !rules.some(isOfBody) ? undefined : new ReadShaper(options)
  }

  private constructor(options: ReadShaperOptions) {
    this.#options = options
    const { rules, scenarioPath } = options
    const scenario = scenarioPath === undefined ? '' : `-s${shortHash(scenarioPath)}`
    const changing = rules.filter(isOfBody).map(({ serial }) => `-f${serial}`)
    this.#etagSuffix = scenario + changing.join('')
  }

  replace(item: StoredItem): StoredItem {
    const frozen = this.#options.rules.find(({ action }) => action === 'frozen-playlist')
    return frozen === undefined ? item : frozen.freeze(item)
  }

  reshape(item: StoredItem, form: Representation): Representation {
    const etag = `${form.etag}${this.#etagSuffix}`
    const { contentEncoding } = form
    const isText = TEXT_KINDS.has(item.kind) && contentEncoding === ''
    const text = isText ? Buffer.concat(form.chunks).toString('latin1') : ''
    const changed = isText ? this.#rewrite(item, text) : text
    if (changed === text) {
      return { chunks: form.chunks, sizeBytes: form.sizeBytes, etag, contentEncoding }
    }
    const body = Buffer.from(changed, 'latin1')
    return { chunks: [body], sizeBytes: body.length, etag, contentEncoding }
  }

  #rewrite(item: StoredItem, text: string): string {
    const { rules, scenarioPath, keyForm, ownHosts } = this.#options
    let changed = text
    for (const { action, fault } of rules) {
      if (action === 'backwards-sequence') changed = lowerSequence(changed, fault.bySegments ?? 5)
    }
    if (scenarioPath === undefined) return changed
    const { cacheName, key } = splitStoreKey(item.storeKey)
    return prefixItemUris(changed, `/rig/${scenarioPath}`, {
      syntax: item.kind === 'manifest' ? 'dash' : 'hls',
      location: { cacheName, playlistKey: key, keyForm, ownHosts },
    })
  }
}

const TEXT_KINDS: ReadonlySet<string> = new Set(['media', 'multivariant', 'manifest'])

function isOfBody({ action }: FaultRule): boolean {
  return action === 'frozen-playlist' || action === 'backwards-sequence' || action === 'corrupt'
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}
