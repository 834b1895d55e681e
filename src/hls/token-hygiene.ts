/**
 * Takes credentials out of playlists and DASH manifests, and puts a reader's own in. Encoders write
 * the query of their destination into every URI, so without this the key of ffmpeg or MediaLive goes
 * to each viewer. Text in, text out: which tokens may stay is the caller's to say.
 *
 * The text is a body's bytes as latin1 (`Buffer.toString('latin1')`), so that it goes back byte for
 * byte. All functions take time proportional to its length.
 */

import { byteStringFromText } from '../base/names.ts'
import { forEachManifestUri, readManifestBases } from './manifest-uris.ts'
import { ownershipOf, ownUri } from './own-uri.ts'
import { forEachPlaylistUri } from './playlist-uris.ts'
import type { PlaylistLocation } from './resolve.ts'
import { joinUri, separatorAt, splitUri } from './uri-parameters.ts'
import type { SplitUri, UriParameter } from './uri-parameters.ts'
import { percentEncodeChar, rewriteSpans } from './uri-spans.ts'
import type { UriPlace, VisitUri } from './uri-spans.ts'
import { decodeXml } from './xml-references.ts'

export type PlaylistSyntax = 'hls' | 'dash'

/** At most so many different tokens of one text are told apart; further ones are never kept. */
export const DISTINCT_TOKENS_MAX = 64

/**
 * Longer URIs are left as they are and counted: no reader gets anything by them, since a request's
 * target may have so many chars at most.
 */
export const URI_CHARS_MAX = 8192

export interface StripOptions {
  readonly syntax: PlaylistSyntax
  /**
   * Whether readers may see a token: it verifies and cannot write. Asked once per token of the text,
   * percent-encoding undone, for at most {@link DISTINCT_TOKENS_MAX}.
   */
  readonly keepToken: (token: string) => boolean
}

export interface StrippedText {
  /** The same string when nothing was removed. */
  readonly text: string
  /** `token` parameters that held a value. */
  readonly removedTokenCount: number
  /** `ttl_seconds` and `role` parameters, and `token` without a value. */
  readonly removedParameterCount: number
  /** All URIs of the text. With {@link addToken} each grows by a token, which a caller may bound. */
  readonly uriCount: number
  /** URIs over {@link URI_CHARS_MAX}, not looked into: such a text cannot be called clean. */
  readonly overlongUriCount: number
}

export interface AddOptions {
  readonly syntax: PlaylistSyntax
  /** As it is verified: not percent-encoded. With '' nothing is added. */
  readonly token: string
}

/**
 * The different `token` values on own URIs ({@link ownUri}), percent-encoding undone, in order of
 * their first appearance. At most {@link DISTINCT_TOKENS_MAX}.
 */
export function tokensIn(
  text: string,
  location: PlaylistLocation,
  syntax: PlaylistSyntax,
): readonly string[] {
  const tokens = new Set<string>()
  if (!text.includes('?') && !text.includes('&#')) return []
  scannerOf(syntax)(text, (start, end, place) => {
    if (tokens.size >= DISTINCT_TOKENS_MAX || end - start > URI_CHARS_MAX) return
    const uri = text.slice(start, end)
    if (!mayHaveQuery(uri, place)) return
    const { parameters = [] } = splitUri(uri, place)
    if (!parameters.some(isToken) || !isOwn(location, uri, place)) return
    for (const parameter of parameters) {
      if (isToken(parameter) && tokens.size < DISTINCT_TOKENS_MAX) tokens.add(parameter.value)
    }
  })
  return [...tokens]
}

/**
 * Removes from own URIs ({@link ownUri}) every `token` that is not kept, and `ttl_seconds` and `role`,
 * which are meant for writes. All other parameters keep their order and chars; `?` goes with the last
 * (`live?token=…&ttl_seconds=60&key=a.ts` becomes `live?key=a.ts`, `a.ts?token=…` becomes `a.ts`).
 * Foreign URIs stay as they are. Doing it twice changes nothing more.
 */
export function stripTokens(
  text: string,
  location: PlaylistLocation,
  { syntax, keepToken }: StripOptions,
): StrippedText {
  const verdicts = new Map<string, boolean>()
  let removedTokenCount = 0
  let removedParameterCount = 0
  let uriCount = 0
  let overlongUriCount = 0

  const isKept = (token: string): boolean => {
    const known = verdicts.get(token)
    if (known !== undefined) return known
    if (verdicts.size >= DISTINCT_TOKENS_MAX) return false
    const verdict = keepToken(token)
    verdicts.set(token, verdict)
    return verdict
  }

  const rewrite = (uri: string, place: UriPlace): string => {
    uriCount++
    if (uri.length > URI_CHARS_MAX) overlongUriCount++
    if (uri.length > URI_CHARS_MAX || !mayHaveQuery(uri, place)) return uri
    const split = splitUri(uri, place)
    const all = split.parameters ?? []
    if (!all.some(isRemovable) || !isOwn(location, uri, place)) return uri
    const kept = all.filter(
      (parameter) => !isRemovable(parameter) || isKeptToken(parameter, isKept),
    )
    if (kept.length === all.length) return uri
    const tokenCount = all.filter(isToken).length - kept.filter(isToken).length
    removedTokenCount += tokenCount
    removedParameterCount += all.length - kept.length - tokenCount
    return joinUri(withoutRest(split, kept))
  }

  const stripped = rewriteSpans(text, scannerOf(syntax), rewrite)
  return {
    text: stripped,
    removedTokenCount,
    removedParameterCount,
    uriCount,
    overlongUriCount,
  }
}

/**
 * Puts `token=<percent-encoded>` on each own item URI that has no token, first in its query: a key
 * given as last parameter stays last, where some players look for the file extension.
 *
 * Not on URIs of other hosts or outside of `/cache/`; in DASH neither on folders (`BaseURL` with a
 * slash at its end), whose query goes nowhere, nor on relative URIs when a BaseURL is foreign, since
 * they may lead there. Doing it twice changes nothing more. The text gets about a token longer per URI.
 *
 * @returns The same string when nothing was added.
 */
export function addToken(
  text: string,
  location: PlaylistLocation,
  { syntax, token }: AddOptions,
): string {
  if (token === '') return text
  const written = `token=${percentEncode(token)}`
  const leadsElsewhere = syntax === 'dash' ? foreignBases(text, location) : undefined
  return rewriteSpans(text, scannerOf(syntax), (uri, place) => {
    if (uri.length > URI_CHARS_MAX) return uri
    const decoded = place === 'xml' ? decodeXml(uri) : uri
    if (ownershipOf(location, decoded) !== 'item') return uri
    if (leadsElsewhere?.(decoded) === true) return uri
    const split = splitUri(uri, place)
    const { parameters = [] } = split
    if (parameters.some(isToken)) return uri
    if (syntax === 'dash' && split.path.endsWith('/') && parameters.length === 0) return uri
    const rest = joinQuery(parameters)
    const query = rest === '' ? written : written + separatorAt(place) + rest
    return `${split.path}?${query}${split.fragment}`
  })
}

function joinQuery(parameters: readonly UriParameter[]): string {
  return joinUri({ path: '', parameters, fragment: '' }).slice(1)
}

function scannerOf(syntax: PlaylistSyntax): (text: string, visit: VisitUri) => void {
  return syntax === 'hls' ? forEachPlaylistUri : forEachManifestUri
}

/** Cheap, for the many URIs without one. In XML a `?` may be written as a reference. */
function mayHaveQuery(uri: string, place: UriPlace): boolean {
  return uri.includes('?') || (place === 'xml' && uri.includes('&#'))
}

function isOwn(location: PlaylistLocation, uri: string, place: UriPlace): boolean {
  return ownUri(location, place === 'xml' ? decodeXml(uri) : uri)
}

function isToken(parameter: UriParameter): boolean {
  return parameter.name === 'token' && parameter.value !== ''
}

function isRemovable({ name }: UriParameter): boolean {
  return name === 'token' || name === 'ttl_seconds' || name === 'role'
}

function isKeptToken(parameter: UriParameter, isKept: (token: string) => boolean): boolean {
  return isToken(parameter) && isKept(parameter.value)
}

function withoutRest(split: SplitUri, kept: readonly UriParameter[]): SplitUri {
  if (kept.some(({ text }) => text !== '')) return { ...split, parameters: kept }
  // An empty URI means the playlist itself, an empty line nothing: the `?` stays to keep the line.
  return { ...split, parameters: split.path === '' ? [] : undefined }
}

/** Which URIs of a manifest may lead to another host once its bases and ids are put in. */
function foreignBases(text: string, location: PlaylistLocation): (uri: string) => boolean {
  const { baseUrls, representationIds } = readManifestBases(text)
  const hasForeignBase = baseUrls.some((uri) => !ownUri(location, uri))
  // `$RepresentationID$/1.m4s` with an id of `https://cdn.example`.
  const hasForeignId = representationIds.some((id) => /[:\\]|^\//.test(id))
  return (uri) =>
    (hasForeignBase && !/^(?:https?:)?[/\\]{2}/i.test(uri)) ||
    (hasForeignId && uri.includes('$RepresentationID$'))
}

/** All but unreserved chars (RFC 3986 §2.3), so that no place can be broken out of. */
function percentEncode(token: string): string {
  const bytes = /[^\0-\xff]/.test(token) ? byteStringFromText(token) : token
  return bytes.replace(/[^A-Za-z0-9._~-]/g, percentEncodeChar)
}
