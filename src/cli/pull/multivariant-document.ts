/**
 * A multivariant playlist of a source, taken apart: which media playlists and keys it names, and how
 * it is written again with local names. Pure; time proportional to the text.
 */

import { forEachLine, parseAttributes, splitTag } from '../../hls/playlist-lines.ts'
import { rewriteUris } from '../../hls/playlist-uris.ts'
import { rewriteForeignUris } from './foreign-uris.ts'
import type { RenditionKind, ResourceKind } from './local-names.ts'
import { PlaylistVariables } from './playlist-variables.ts'
import { identityOf, parseSourceUrl } from './source-url.ts'

/** A media playlist that it names, each once. */
export interface NamedRendition {
  readonly url: URL
  readonly kind: RenditionKind
  /** Which of those whose URLs differ in their query alone. */
  readonly ordinal: number
}

/** EXT-X-SESSION-KEY and EXT-X-SESSION-DATA with a file. */
export interface NamedFile {
  readonly url: URL
  readonly kind: ResourceKind & ('key' | 'data')
}

export interface MultivariantDocument {
  readonly renditions: readonly NamedRendition[]
  readonly files: readonly NamedFile[]
  /** For media playlists that import variables. */
  readonly variables: ReadonlyMap<string, string>
  /** Its lines; `href` says which URL stands where the URI is. */
  readonly lines: readonly DocumentLine[]
}

interface DocumentLine {
  readonly text: string
  /** Of the rendition or file that its URI is; absent: there is none to exchange. */
  readonly href: string | undefined
}

const RENDITION_TAGS = new Map<string, RenditionKind>([
  ['#EXT-X-MEDIA', 'media'],
  ['#EXT-X-I-FRAME-STREAM-INF', 'iframes'],
  ['#EXT-X-IMAGE-STREAM-INF', 'media'],
])
const MEDIA_KINDS: Readonly<Record<string, RenditionKind>> = {
  AUDIO: 'audio',
  SUBTITLES: 'subtitles',
  VIDEO: 'video',
}
/** Steering would send players to the source. */
const DROPPED_TAGS = new Set(['#EXT-X-CONTENT-STEERING', '#EXT-X-DEFINE'])
const FILES_MAX = 64
/** Instead of a URI that is no http or https URL. */
const UNKNOWN = 'unknown.m3u8'

export function isMultivariant(text: string): boolean {
  return /^#EXT-X-(?:STREAM-INF|I-FRAME-STREAM-INF|MEDIA):/m.test(text)
}

/** @returns What is wrong with it, as words, instead of a document. */
export function parseMultivariantDocument(
  text: string,
  url: URL,
  { renditionsMax }: { readonly renditionsMax: number },
): MultivariantDocument | string {
  const reader = new MultivariantReader(url)
  forEachLine(text, (line) => reader.readLine(line))
  const { renditions, files } = reader
  if (renditions.size === 0) return 'it names no media playlist'
  if (renditions.size > renditionsMax) {
    return `it names ${renditions.size} media playlists, more than ${renditionsMax}`
  }
  return {
    renditions: [...renditions.values()],
    files: [...files.values()].slice(0, FILES_MAX),
    variables: reader.variables.values,
    lines: reader.lines,
  }
}

/** Its text without the URIs: what stays the same when a source signs them anew. */
export function structureOf(document: MultivariantDocument): string {
  return formatMultivariantText(document, () => '-')
}

/** @param nameOf  By URL; `undefined` leaves the tag out. */
export function formatMultivariantText(
  { lines }: MultivariantDocument,
  nameOf: (href: string) => string | undefined,
): string {
  const written: string[] = []
  for (const { text, href } of lines) {
    if (href === undefined) {
      written.push(text)
      continue
    }
    const name = nameOf(href)
    if (name !== undefined)
      written.push(text.startsWith('#') ? rewriteUris(text, () => name) : name)
  }
  return `${written.join('\n')}\n`
}

class MultivariantReader {
  readonly variables: PlaylistVariables
  readonly renditions = new Map<string, NamedRendition>()
  readonly files = new Map<string, NamedFile>()
  readonly lines: DocumentLine[] = []
  readonly #url: URL
  readonly #sameIdentity = new Map<string, number>()
  #hasStreamInf = false

  constructor(url: URL) {
    this.#url = url
    this.variables = new PlaylistVariables(url)
  }

  readLine(line: string): void {
    if (!line.startsWith('#')) {
      // A URI without EXT-X-STREAM-INF belongs to nothing.
      if (this.#hasStreamInf) this.#addRendition(line.trimStart(), 'video', line)
      this.#hasStreamInf = false
      return
    }
    if (!line.startsWith('#EXT')) return
    const text = this.variables.inLine(line)
    const { tag, value } = splitTag(text)
    if (tag === '#EXT-X-DEFINE') this.variables.define(value)
    if (DROPPED_TAGS.has(tag)) return
    if (tag === '#EXT-X-STREAM-INF') this.#hasStreamInf = true
    const attributes = parseAttributes(value)
    const uri = attributes.get('URI')
    const kind = RENDITION_TAGS.get(tag)
    if (uri !== undefined && kind !== undefined) {
      const own = MEDIA_KINDS[attributes.get('TYPE') ?? ''] ?? kind
      return this.#addRendition(uri, own, text)
    }
    const isKey =
      tag === '#EXT-X-SESSION-KEY' && (attributes.get('KEYFORMAT') ?? 'identity') === 'identity'
    if (uri !== undefined && (isKey || tag === '#EXT-X-SESSION-DATA')) {
      return this.#addFile(uri, isKey ? 'key' : 'data', text)
    }
    this.#keep(rewriteForeignUris(text, (written) => this.#resolve(written), this.#url))
  }

  #keep(text: string): void {
    this.lines.push({ text, href: undefined })
  }

  #addRendition(uri: string, kind: RenditionKind, text: string): void {
    const url = this.#resolve(uri)
    // Its tag stays with a name that leads nowhere: players pass over what they cannot open.
    if (url === undefined) {
      return this.#keep(text.startsWith('#') ? rewriteUris(text, () => UNKNOWN) : UNKNOWN)
    }
    const { href } = url
    this.lines.push({ text, href })
    if (this.renditions.has(href)) return
    const identity = identityOf(url)
    const ordinal = this.#sameIdentity.get(identity) ?? 0
    this.#sameIdentity.set(identity, ordinal + 1)
    this.renditions.set(href, { url, kind, ordinal })
  }

  #addFile(uri: string, kind: 'key' | 'data', text: string): void {
    const url = this.#resolve(uri)
    if (url === undefined) return this.#keep(text)
    this.lines.push({ text, href: url.href })
    if (!this.files.has(url.href)) this.files.set(url.href, { url, kind })
  }

  #resolve(uri: string): URL | undefined {
    return parseSourceUrl(this.variables.inUri(uri), this.#url)
  }
}
