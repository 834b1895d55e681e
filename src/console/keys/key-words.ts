/** Keys in words: what they allow, until when, what ends with them. Pure. */

import type { KeyView, PermissionView, Role } from '../api/steer-types.ts'
import { formatDateTime } from '../ui/format-figures.ts'
import type { Tone } from '../ui/tone.ts'

export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  readwrite: 'Read and write',
  readonly: 'Read',
  writeonly: 'Write',
}

export const KIND_WORDS: Readonly<Record<KeyView['kind'], string>> = {
  minted: 'made here',
  imported: 'imported',
  v2: 'for a role',
}

/** `Read and write live-origin`, `Read all caches: keys that begin with “Movie/”`. */
export function permissionWords({ role, cache, items }: PermissionView): string {
  const where = cache === '*' ? 'all caches' : cache
  return `${ROLE_WORDS[role]} ${where}${itemsWords(items)}`
}

function itemsWords(items: string): string {
  if (items.startsWith('key ')) return `: the key “${items.slice(4)}”`
  if (items.startsWith('prefix ')) return `: keys that begin with “${items.slice(7)}”`
  return ''
}

/** All that a key allows, a line each; never empty. */
export function allowsWords(key: Pick<KeyView, 'superUser' | 'permissions' | 'admin'>): string[] {
  if (key.superUser) return ['Everything, this console too']
  const lines = key.permissions.map(permissionWords)
  if (key.admin === '*') lines.push('Administer all caches')
  else if (key.admin !== null) lines.push(`Administer ${key.admin.join(', ')}`)
  return lines.length === 0 ? ['Nothing'] : lines
}

export interface KeyState {
  readonly word: 'Valid' | 'Ends soon' | 'Expired' | 'Revoked'
  readonly tone: Tone
  /** When, in words. */
  readonly when: string
  readonly isOver: boolean
}

const SOON_MS = 3 * 86_400_000

export function keyState(
  key: Pick<KeyView, 'revokedAt' | 'expiresAt' | 'issuedAt'>,
  nowMs: number,
): KeyState {
  if (key.revokedAt !== null) {
    return { word: 'Revoked', tone: 'quiet', when: formatDateTime(key.revokedAt), isOver: true }
  }
  if (key.expiresAt === null) {
    return { word: 'Valid', tone: 'good', when: 'never expires', isOver: false }
  }
  const endsAtMs = Date.parse(key.expiresAt)
  if (endsAtMs <= nowMs) {
    return { word: 'Expired', tone: 'quiet', when: formatDateTime(key.expiresAt), isOver: true }
  }
  const when = `until ${formatDateTime(key.expiresAt)}`
  // A key that was made for an hour is not in trouble from its first minute on.
  const isShort = endsAtMs - Date.parse(key.issuedAt) <= SOON_MS
  return endsAtMs - nowMs < SOON_MS && !isShort
    ? { word: 'Ends soon', tone: 'wait', when, isOver: false }
    : { word: 'Valid', tone: 'good', when, isOver: false }
}

/** What stops working when it is revoked: sentences. */
export function revokeWords(key: KeyView): string[] {
  const words = [`From the next request on it opens nothing any more, on open connections too.`]
  const mayWrite = key.permissions.some(({ role }) => role !== 'readonly')
  const mayRead = key.permissions.some(({ role }) => role !== 'writeonly')
  if (key.superUser) words.push('Consoles, commands and scripts that use it are locked out.')
  if (mayWrite)
    words.push('Encoders that push with it are refused with 401: their channels go stale.')
  if (mayRead)
    words.push('Players and CDNs that read with it get 401: their viewers see nothing new.')
  if (key.admin !== null || key.superUser) {
    words.push('Sessions of this console and disposable tokens that came from it end.')
  }
  if (key.kind === 'minted') words.push('Copies made with its refresh token are not revoked.')
  words.push('It cannot be undone.')
  return words
}

/** Whether a search finds it. Every word has to be somewhere. */
export function matchesSearch(key: KeyView, search: string): boolean {
  const text = [key.keyId, key.description, KIND_WORDS[key.kind], ...allowsWords(key)]
    .join(' ')
    .toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
