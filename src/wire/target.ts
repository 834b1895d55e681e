/**
 * The grammar of an item's request target: path, key forms, parameters. Both lanes parse with this
 * one function, so a key means the same everywhere.
 *
 * Forms (Momento HTTP API, "Get Value"; Media Storage guide): `/cache/{name}?key=`,
 * `/cache/{name}?key_base64=`, `/cache/{name}/{key…}`. Decoded once; slashes, `..` and `+` in a path
 * are literal; nothing is normalised. `Host` is never looked at.
 */

import { parseCacheName, parseItemKey, toStoreKey } from '../base/names.ts'
import type { CacheName, ItemKey, StoreKey } from '../base/names.ts'
import { addDirective } from './delivery-directives.ts'
import type { DeliveryDirectives, DirectiveName } from './delivery-directives.ts'

/** Why a target names no item. Each is a reason in `wire/refusals.ts`. */
export type TargetProblem =
  'cache-name-invalid' | 'key-missing' | 'key-ambiguous' | 'key-encoding' | 'key-too-long'

/**
 * A parsed target. The credential is there even when the rest is malformed, since it is checked
 * first; names are only meaningful while `problem` is `undefined`.
 */
export interface ItemTarget {
  readonly problem: TargetProblem | undefined
  readonly cacheName: CacheName
  readonly key: ItemKey
  readonly storeKey: StoreKey
  /** `query` for `?key=` and `?key_base64=`. */
  readonly keyForm: 'path' | 'query'
  /** `?token=`, percent-decoded, `+` kept; '' when absent or empty. */
  readonly token: string
  /** `?ttl_seconds=` as written; `undefined` when absent. */
  readonly ttlText: string | undefined
  /** `_HLS_msn`, `_HLS_part`, `_HLS_skip`; `undefined` without any. */
  readonly directives: DeliveryDirectives | undefined
}

const PREFIX = '/cache/'

/** Whether a request target is an item's: `/cache`, `/cache/…`, `/cache?…`, absolute form too. */
export function isItemTarget(target: string): boolean {
  const path = target.charCodeAt(0) === 0x2f ? target : originForm(target)
  if (!path.startsWith('/cache')) return false
  const next = path.charCodeAt(6)
  return Number.isNaN(next) || next === 0x2f || next === 0x3f
}

/**
 * @param target  The request target as received: one char per byte (latin1), origin or absolute form.
 */
export function parseItemTarget(target: string): ItemTarget {
  const path = target.charCodeAt(0) === 0x2f ? target : originForm(target)
  const hash = path.indexOf('#')
  const withoutHash = hash === -1 ? path : path.slice(0, hash)
  const question = withoutHash.indexOf('?')
  const pathEnd = question === -1 ? withoutHash.length : question
  const parameters = question === -1 ? NO_PARAMETERS : parseParameters(withoutHash, question + 1)

  const nameEnd = slashOrEnd(withoutHash, PREFIX.length, pathEnd)
  const rawName = withoutHash.slice(PREFIX.length, nameEnd)
  const cacheName = parseCacheName(rawName.includes('%') ? (percentDecode(rawName) ?? '') : rawName)
  if (cacheName === undefined) return malformed('cache-name-invalid', parameters)

  const rawKey = withoutHash.slice(nameEnd + 1, pathEnd)
  const formCount = (rawKey === '' ? 0 : 1) + parameters.keyCount + parameters.keyBase64Count
  if (formCount === 0) return malformed('key-missing', parameters)
  if (formCount > 1) return malformed('key-ambiguous', parameters)

  let keyBytes: string | undefined
  if (rawKey !== '') {
    keyBytes = rawKey.includes('%') ? percentDecode(rawKey) : rawKey
  } else if (parameters.keyCount === 1) {
    // A query is form-encoded: clients write a space as `+` (and a plus as %2B) there.
    keyBytes = percentDecode(parameters.key.replaceAll('+', ' '))
  } else {
    keyBytes = decodeBase64Url(parameters.keyBase64)
  }
  if (keyBytes === undefined) return malformed('key-encoding', parameters)
  if (keyBytes === '') return malformed('key-missing', parameters)
  const key = parseItemKey(keyBytes)
  if (key === undefined) return malformed('key-too-long', parameters)
  return {
    problem: undefined,
    cacheName,
    key,
    storeKey: toStoreKey(cacheName, key),
    keyForm: rawKey !== '' ? 'path' : 'query',
    token: parameters.token,
    ttlText: parameters.ttlText,
    directives: parameters.directives,
  }
}

/**
 * `ttl_seconds`: digits only, 1 to `ttlSecondsMax`. `undefined` for anything else (Momento's SDKs
 * refuse zero, negative and fractional values before they send them).
 */
export function parseTtlSeconds(text: string, ttlSecondsMax: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined
  const ttlSeconds = Number(text)
  return ttlSeconds >= 1 && ttlSeconds <= ttlSecondsMax ? ttlSeconds : undefined
}

interface Parameters {
  key: string
  keyCount: number
  keyBase64: string
  keyBase64Count: number
  token: string
  ttlText: string | undefined
  directives: DeliveryDirectives | undefined
  /** Names of directives that were there. */
  directiveNames: string
}

const NO_PARAMETERS: Readonly<Parameters> = Object.freeze({
  key: '',
  keyCount: 0,
  keyBase64: '',
  keyBase64Count: 0,
  token: '',
  ttlText: undefined,
  directives: undefined,
  directiveNames: '',
})

/** Splits at `&`, then at the first `=`, so a token that ends in `==` arrives whole. Unknown names are ignored. */
function parseParameters(text: string, start: number): Parameters {
  const found: Parameters = { ...NO_PARAMETERS }
  let position = start
  while (position < text.length) {
    let end = text.indexOf('&', position)
    if (end === -1) end = text.length
    const equals = text.indexOf('=', position)
    const nameEnd = equals === -1 || equals > end ? end : equals
    const name = text.slice(position, nameEnd)
    const value = nameEnd === end ? '' : text.slice(nameEnd + 1, end)
    switch (name) {
      case 'key':
        // A repeated name counts twice and is ambiguous; an empty one is a key that is missing.
        found.key = value
        found.keyCount++
        break
      case 'key_base64':
        found.keyBase64 = value
        found.keyBase64Count++
        break
      case 'token':
        // The first that has a value: an empty `token=` is absent.
        if (found.token === '') found.token = percentDecode(value) ?? value
        break
      case 'ttl_seconds':
        found.ttlText ??= percentDecode(value) ?? value
        break
      case '_HLS_msn':
      case '_HLS_part':
      case '_HLS_skip':
        readDirective(found, name, value)
        break
    }
    position = end + 1
  }
  return found
}

function readDirective(found: Parameters, name: DirectiveName, value: string): void {
  const isRepeated = found.directiveNames.includes(name)
  found.directiveNames += name
  found.directives = addDirective(found.directives, name, percentDecode(value), isRepeated)
}

function malformed(problem: TargetProblem, parameters: Readonly<Parameters>): ItemTarget {
  return {
    problem,
    // Never read while `problem` is set; the shape stays the same for every target.
    cacheName: '' as CacheName,
    key: '' as ItemKey,
    storeKey: '' as StoreKey,
    keyForm: 'path',
    token: parameters.token,
    ttlText: parameters.ttlText,
    directives: parameters.directives,
  }
}

/** Absolute form (RFC 9112 §3.2.2) to origin form; anything else as it is. */
function originForm(target: string): string {
  const scheme = /^https?:\/\//i.exec(target)
  if (scheme === null) return target
  const slash = target.indexOf('/', scheme[0].length)
  return slash === -1 ? '/' : target.slice(slash)
}

function slashOrEnd(text: string, start: number, end: number): number {
  const slash = text.indexOf('/', start)
  return slash === -1 || slash > end ? end : slash
}

/** Percent-decoding to a byte string, once; `undefined` when a `%` is not followed by two hex digits. */
function percentDecode(text: string): string | undefined {
  let decoded = ''
  let copied = 0
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    const high = hexValue(text.charCodeAt(at + 1))
    const low = hexValue(text.charCodeAt(at + 2))
    if (high === -1 || low === -1) return undefined
    decoded += text.slice(copied, at) + String.fromCharCode(high * 16 + low)
    copied = at + 3
  }
  return decoded + text.slice(copied)
}

/** -1 for anything but a hex digit, the NaN of a missing char included. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  if (code >= 0x61 && code <= 0x66) return code - 0x57
  return -1
}

/** base64url, padding optional (also `%3D`), to a byte string; `undefined` when it is not. */
function decodeBase64Url(text: string): string | undefined {
  const decoded = percentDecode(text)
  const match = decoded === undefined ? null : /^([A-Za-z0-9_-]*)(={0,2})$/.exec(decoded)
  if (match === null) return undefined
  const [, digits = '', padding = ''] = match
  if (digits.length % 4 === 1) return undefined
  if (padding !== '' && (digits.length + padding.length) % 4 !== 0) return undefined
  return Buffer.from(digits, 'base64url').toString('latin1')
}
