/**
 * Finds every URI of a DASH manifest (ISO/IEC 23009-1) by its tags, tolerantly: no XML parser, since
 * real manifests hold raw `&` and all but the URIs must be kept as it is. One pass, in time
 * proportional to the length. Comments and document types are passed over, entities never expanded.
 */

import { rewriteSpans } from './uri-spans.ts'
import type { RewriteUri, VisitUri } from './uri-spans.ts'
import { decodeXml } from './xml-references.ts'

/** Elements whose text is a URI. */
const URI_ELEMENTS = new Set([
  'BaseURL',
  'Location',
  'PatchLocation',
  'ContentSteering',
  'ImportedMPD',
])

/** Attributes that hold a URI, by element. `bitstreamSwitching` of an AdaptationSet is a boolean. */
const URI_ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['SegmentTemplate', ['media', 'initialization', 'index', 'bitstreamSwitching']],
  ['SegmentURL', ['media', 'index']],
  ['Initialization', ['sourceURL']],
  ['RepresentationIndex', ['sourceURL']],
  ['BitstreamSwitching', ['sourceURL']],
  ['InitializationSet', ['initialization']],
  ['InitializationGroup', ['initialization']],
  ['InitializationPresentation', ['initialization']],
])

/** A start tag's name, attributes and what follows. */
export interface StartTag {
  /** Without its namespace prefix. */
  readonly name: string
  /** Of the attributes, in `text`: name and the value between its quotes. */
  readonly attributes: readonly TagAttribute[]
  /** Where the text of the element begins; `undefined` when it is empty (`<BaseURL/>`). */
  readonly contentStart: number | undefined
}

export interface TagAttribute {
  readonly name: string
  readonly valueStart: number
  readonly valueEnd: number
}

/**
 * Visits the URIs of texts (BaseURL, Location, PatchLocation, ContentSteering, ImportedMPD) and of
 * attributes (media, initialization, index, bitstreamSwitching, sourceURL, xlink:href), in order.
 * They come as they are written, with their entities; `decodeXml` undoes those.
 */
export function forEachManifestUri(text: string, visit: VisitUri): void {
  forEachStartTag(text, (tag) => {
    const uriAttributes = URI_ATTRIBUTES.get(tag.name)
    for (const { name, valueStart, valueEnd } of tag.attributes) {
      const isUri = uriAttributes?.includes(name) === true || name.endsWith(':href')
      if (isUri) visitTrimmed(text, valueStart, valueEnd, 'xml', visit)
    }
    if (tag.contentStart !== undefined && URI_ELEMENTS.has(tag.name)) {
      visitContent(text, tag.contentStart, visit)
    }
  })
}

/**
 * Exchanges the URIs of a manifest; see {@link forEachManifestUri} for which, {@link rewriteSpans}
 * for what a new one cannot hold.
 *
 * @param rewrite  Gets and gives URIs as they are written: at the place `xml`, `&` is `&amp;`.
 * @returns The same string when nothing changed.
 */
export function rewriteManifestUris(text: string, rewrite: RewriteUri): string {
  return rewriteSpans(text, forEachManifestUri, rewrite)
}

/** Visits the start tags, in order. What cannot be a tag is passed over. */
export function forEachStartTag(text: string, visit: (tag: StartTag) => void): void {
  let position = 0
  for (;;) {
    const start = text.indexOf('<', position)
    if (start === -1) return
    const markupEnd = endOfMarkup(text, start)
    if (markupEnd !== undefined) {
      position = markupEnd
      continue
    }
    const nameEnd = endOfName(text, start + 1)
    if (nameEnd === start + 1) {
      // An end tag, or a `<` that stands for itself.
      position = nameEnd
      continue
    }
    const { attributes, end, isEmpty } = readAttributes(text, nameEnd)
    visit({
      name: localName(text.slice(start + 1, nameEnd)),
      attributes,
      contentStart: isEmpty ? undefined : end,
    })
    position = end
  }
}

/** What relative URIs may begin with once they are resolved, references undone. */
export interface ManifestBases {
  /** Each BaseURL, whatever its element. */
  readonly baseUrls: readonly string[]
  /** Ids of Representations, for `$RepresentationID$` in templates. */
  readonly representationIds: readonly string[]
}

export function readManifestBases(text: string): ManifestBases {
  const baseUrls: string[] = []
  const representationIds: string[] = []
  forEachStartTag(text, (tag) => {
    if (tag.name === 'BaseURL' && tag.contentStart !== undefined) {
      visitContent(text, tag.contentStart, (start, end, place) => {
        const uri = text.slice(start, end)
        baseUrls.push(place === 'xml' ? decodeXml(uri) : uri)
      })
    }
    if (tag.name !== 'Representation') return
    for (const { name, valueStart, valueEnd } of tag.attributes) {
      if (name === 'id') representationIds.push(decodeXml(text.slice(valueStart, valueEnd)))
    }
  })
  return { baseUrls, representationIds }
}

/** An element's text up to the next tag, or its CDATA section. */
function visitContent(text: string, contentStart: number, visit: VisitUri): void {
  const end = indexOrEnd(text, '<', contentStart)
  visitTrimmed(text, contentStart, end, 'xml', visit)
  if (!text.startsWith('<![CDATA[', end)) return
  const cdataStart = end + '<![CDATA['.length
  visitTrimmed(text, cdataStart, indexOrEnd(text, ']]>', cdataStart), 'cdata', visit)
}

function visitTrimmed(
  text: string,
  from: number,
  to: number,
  place: 'xml' | 'cdata',
  visit: VisitUri,
): void {
  let start = from
  let end = to
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  if (start < end) visit(start, end, place)
}

/** Where a comment, CDATA section, processing instruction or declaration ends, if one begins here. */
function endOfMarkup(text: string, start: number): number | undefined {
  const next = text[start + 1]
  if (next === '?') return endAfter(text, '?>', start)
  if (next !== '!') return undefined
  if (text.startsWith('<!--', start)) return endAfter(text, '-->', start + 4)
  if (text.startsWith('<![CDATA[', start)) return endAfter(text, ']]>', start)
  return endOfDeclaration(text, start)
}

/** Of `<!DOCTYPE … [ … ]>`: angle brackets nest, those between quotes do not count. */
function endOfDeclaration(text: string, start: number): number {
  const token = /["'<>]/g
  let depth = 0
  token.lastIndex = start
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '<') depth++
    else if (match[0] === '>') depth--
    else token.lastIndex = endAfter(text, match[0], match.index + 1)
    if (depth === 0) return token.lastIndex
  }
  return text.length
}

function readAttributes(
  text: string,
  from: number,
): {
  readonly attributes: readonly TagAttribute[]
  readonly end: number
  readonly isEmpty: boolean
} {
  const attributes: TagAttribute[] = []
  let position = from
  while (position < text.length) {
    const char = text[position]
    // A `<` within a tag: the tag was never closed, another begins.
    if (char === '<') return { attributes, end: position, isEmpty: true }
    if (char === '>') {
      return { attributes, end: position + 1, isEmpty: text[position - 1] === '/' }
    }
    const nameEnd = endOfName(text, position)
    if (nameEnd === position) {
      position++
      continue
    }
    const name = text.slice(position, nameEnd)
    const equals = skipBlanks(text, nameEnd)
    position = nameEnd
    if (text[equals] !== '=') continue
    const quoteStart = skipBlanks(text, equals + 1)
    const quote = text[quoteStart]
    position = quoteStart
    if (quote !== '"' && quote !== "'") continue
    const valueEnd = indexOrEnd(text, quote, quoteStart + 1)
    attributes.push({ name, valueStart: quoteStart + 1, valueEnd })
    position = valueEnd + 1
  }
  return { attributes, end: text.length, isEmpty: true }
}

function endOfName(text: string, from: number): number {
  let position = from
  while (position < text.length && isNameChar(text.charCodeAt(position))) position++
  return position
}

/** ASCII name chars and, of other alphabets, all. */
function isNameChar(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x3a) || // digits and `:`
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f ||
    code > 0x7f
  )
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1)
}

function skipBlanks(text: string, from: number): number {
  let position = from
  while (position < text.length && text.charCodeAt(position) <= 0x20) position++
  return position
}

function indexOrEnd(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from)
  return index === -1 ? text.length : index
}

function endAfter(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from)
  return index === -1 ? text.length : index + what.length
}
