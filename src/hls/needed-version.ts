/** Which EXT-X-VERSION the tags of a media playlist ask for (RFC 8216bis §8). */

import { parseAttributes } from './playlist-lines.ts'
import type { NeededVersion } from './playlist.ts'

/** Tags that ask for a version by being there. */
const VERSIONS_BY_TAG: ReadonlyMap<string, number> = new Map([
  ['#EXT-X-BYTERANGE', 4],
  ['#EXT-X-I-FRAMES-ONLY', 4],
  ['#EXT-X-DEFINE', 8],
  ['#EXT-X-SKIP', 9],
])

/** Collects, tag by tag. */
export class NeededVersionReader {
  #version = 1
  #feature = ''
  #isIFramesOnly = false
  #hasMap = false

  get isIFramesOnly(): boolean {
    return this.#isIFramesOnly
  }

  readTag(tag: string, value: string): void {
    switch (tag) {
      case '#EXTINF':
        // First of all, since every segment has one.
        if (this.#version < 3 && value.split(',', 1)[0]?.includes('.') === true) {
          this.#need(3, 'a decimal EXTINF')
        }
        return
      case '#EXT-X-KEY':
        this.#readKey(value)
        return
      case '#EXT-X-MAP':
        this.#hasMap = true
        return
      case '#EXT-X-I-FRAMES-ONLY':
        this.#isIFramesOnly = true
        break
      case '#EXT-X-DEFINE':
        if (value.includes('QUERYPARAM=')) this.#need(11, 'EXT-X-DEFINE:QUERYPARAM')
        break
      case '#EXT-X-SKIP':
        if (value.includes('RECENTLY-REMOVED-')) this.#need(10, 'EXT-X-SKIP of date ranges')
        break
    }
    const version = VERSIONS_BY_TAG.get(tag)
    if (version !== undefined) this.#need(version, tag.slice(1))
  }

  finish(): NeededVersion {
    // Depends on another tag, which may come later.
    if (this.#hasMap) this.#need(this.#isIFramesOnly ? 5 : 6, 'EXT-X-MAP')
    return { version: this.#version, feature: this.#feature }
  }

  #readKey(value: string): void {
    const attributes = parseAttributes(value)
    if (attributes.has('IV')) this.#need(2, 'EXT-X-KEY:IV')
    if (attributes.has('KEYFORMAT') || attributes.has('KEYFORMATVERSIONS')) {
      this.#need(5, 'EXT-X-KEY:KEYFORMAT')
    }
    if (attributes.get('METHOD')?.startsWith('SAMPLE-AES') === true) {
      this.#need(5, 'EXT-X-KEY:METHOD=SAMPLE-AES')
    }
  }

  #need(version: number, feature: string): void {
    if (version <= this.#version) return
    this.#version = version
    this.#feature = feature
  }
}
