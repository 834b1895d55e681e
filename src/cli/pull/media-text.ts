/** A pulled media playlist as text: the source's tags and numbers, local names, gaps for what is lost. */

import { rewriteUris } from '../../hls/playlist-uris.ts'
import { rewriteForeignUris } from './foreign-uris.ts'
import type { MediaDocument, SourceKey, SourceMap, SourceSegment } from './media-document.ts'
import { parseSourceUrl } from './source-url.ts'

/** What a stored segment and all it needs are called: URIs relative to the playlist. */
export interface PlacedSegment {
  readonly name: string
  readonly mapName: string | undefined
  /** Of {@link SourceMap.keys} and {@link SourceSegment.keys}, in order; absent: it is no file. */
  readonly mapKeyNames: readonly (string | undefined)[]
  readonly keyNames: readonly (string | undefined)[]
}

export interface MediaTextOptions {
  readonly document: MediaDocument
  /** The document's own, without those that are not stored yet. */
  readonly segments: readonly SourceSegment[]
  /** EXT-X-DISCONTINUITY-SEQUENCE of the first of them. */
  readonly discontinuitySequence: number
  /** Whether nothing follows. */
  readonly ended: boolean
  /** `undefined`: it is lost. */
  readonly placeOf: (segment: SourceSegment) => PlacedSegment | undefined
  /** What the URI of a lost segment is. */
  readonly lostNameOf: (segment: SourceSegment) => string
  /** Of the playlist: what is not pulled is relative to it. */
  readonly url: URL
}

/** Source: RFC 8216bis §8, EXT-X-GAP. */
const VERSION_WITH_GAP = 8

/** The text, with LF at each line's end. */
export function formatMediaText(options: MediaTextOptions): string {
  const { document, segments } = options
  const body: string[] = []
  const state = new EmittedState(options.url)
  let hasGap = false
  for (const segment of segments) {
    const placed = segment.gap ? undefined : options.placeOf(segment)
    if (placed === undefined) hasGap = true
    else for (const line of state.linesBefore(segment, placed)) body.push(line)
    for (const line of segment.lines) body.push(line)
    if (placed === undefined) body.push('#EXT-X-GAP')
    body.push(placed?.name ?? options.lostNameOf(segment))
  }
  const versionNeeded = hasGap ? VERSION_WITH_GAP : 0
  const version = Math.max(document.version ?? 0, versionNeeded)
  const first = segments[0]?.mediaSequenceNumber ?? 0
  const { discontinuitySequence } = options
  return [
    '#EXTM3U',
    ...(version === 0 ? [] : [`#EXT-X-VERSION:${version}`]),
    ...document.headLines,
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
    ...(discontinuitySequence === 0
      ? []
      : [`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`]),
    ...body,
    ...(options.ended ? ['#EXT-X-ENDLIST'] : []),
    '',
  ].join('\n')
}

/**
 * Which EXT-X-MAP and EXT-X-KEY a reader of the text so far has. They are written when a segment that
 * is there needs others: those of lost ones, and those cut off at the beginning, are left out.
 */
class EmittedState {
  readonly #url: URL
  #map: string | undefined
  #keys: readonly { readonly format: string; readonly line: string }[] = []

  /** @param url  Of the playlist: keys that are no files are relative to it. */
  constructor(url: URL) {
    this.#url = url
  }

  linesBefore({ map, keys }: SourceSegment, placed: PlacedSegment): readonly string[] {
    const lines: string[] = []
    const mapLine = map === undefined ? undefined : formatMap(map, placed.mapName ?? '')
    if (map !== undefined && mapLine !== undefined && mapLine !== this.#map) {
      // An encrypted init section is under the keys that stand before it.
      lines.push(...this.#changeKeys(map.keys, placed.mapKeyNames), mapLine)
      this.#map = mapLine
    }
    lines.push(...this.#changeKeys(keys, placed.keyNames))
    return lines
  }

  #changeKeys(
    keys: readonly SourceKey[],
    names: readonly (string | undefined)[],
  ): readonly string[] {
    const wanted = keys.map((key, index) => ({
      format: key.format,
      line: formatKey(key, names[index], this.#url),
    }))
    const lines: string[] = []
    const formats = new Set(wanted.map(({ format }) => format))
    if (this.#keys.some(({ format }) => !formats.has(format))) {
      lines.push('#EXT-X-KEY:METHOD=NONE')
      this.#keys = []
    }
    const known = new Set(this.#keys.map(({ line }) => line))
    for (const { line } of wanted) if (!known.has(line)) lines.push(line)
    this.#keys = wanted
    return lines
  }
}

function formatMap({ attributes }: SourceMap, name: string): string {
  // The stored file is the range itself.
  const whole = attributes.replace(/(^|,)\s*BYTERANGE=(?:"[^"]*"|[^,]*)/, '').replace(/^,/, '')
  return rewriteUris(`#EXT-X-MAP:${whole}`, () => name)
}

function formatKey({ attributes }: SourceKey, name: string | undefined, url: URL): string {
  const text = `#EXT-X-KEY:${attributes}`
  return name === undefined
    ? rewriteForeignUris(text, (uri) => parseSourceUrl(uri, url), url)
    : rewriteUris(text, () => name)
}
