/** A key that is being put together: what the form holds, whether it can be made, the request. Pure. */

import type {
  ItemsRequest,
  KeyRequest,
  PermissionRequest,
  PermissionView,
  Role,
} from '../api/steer-types.ts'
import { checkExpiry } from './expiry.ts'
import type { Expiry } from './expiry.ts'

export type DraftKind = 'fine' | 'admin' | 'super'

export interface PermissionRow {
  /** Of the row, for the page. */
  readonly id: number
  readonly role: Role
  /** Future ones, too. */
  readonly isAllCaches: boolean
  readonly caches: readonly string[]
  readonly itemsKind: ItemsRequest['kind']
  /** The key or the prefix. */
  readonly itemsText: string
}

export interface KeyDraft {
  readonly kind: DraftKind
  readonly keyId: string
  readonly description: string
  readonly expiry: Expiry
  readonly rows: readonly PermissionRow[]
  readonly isAdminOfAll: boolean
  readonly adminCaches: readonly string[]
  /** Of an import: the secret that the other side has already. */
  readonly credential: string
}

/** Rows of a form, and statements in one key: the server's bound, a statement for each cache. */
export const STATEMENTS_MAX = 20

export function emptyRow(id: number): PermissionRow {
  return { id, role: 'readwrite', isAllCaches: false, caches: [], itemsKind: 'all', itemsText: '' }
}

export function emptyDraft(): KeyDraft {
  return {
    kind: 'fine',
    keyId: '',
    description: '',
    expiry: { preset: 'month', amount: '7', unit: 'days' },
    rows: [emptyRow(1)],
    isAdminOfAll: false,
    adminCaches: [],
    credential: '',
  }
}

/** Why it cannot be made, by field; rows by their id. Empty when it can. */
export interface DraftProblems {
  readonly keyId?: string
  readonly description?: string
  readonly expiry?: string
  readonly admin?: string
  readonly permissions?: string
  readonly credential?: string
  readonly rows: Readonly<Record<number, string>>
}

export function checkDraft(draft: KeyDraft, isImport: boolean): DraftProblems {
  const rows: Record<number, string> = {}
  if (draft.kind !== 'super') {
    for (const row of draft.rows) {
      const problem = checkRow(row)
      if (problem !== '') rows[row.id] = problem
    }
  }
  const expiry = checkExpiry(draft.expiry)
  const permissions = checkPermissions(draft)
  const isAdminEmpty =
    draft.kind === 'admin' && !draft.isAdminOfAll && draft.adminCaches.length === 0
  return {
    rows,
    ...(draft.keyId !== '' &&
      !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(draft.keyId) && {
        keyId: '1 to 64 letters, digits, ".", "_" or "-"; the first a letter or digit.',
      }),
    ...(draft.description.length > 200 && { description: '200 characters at most.' }),
    ...(expiry.kind === 'invalid' && { expiry: expiry.problem }),
    ...(isAdminEmpty && { admin: 'Choose at least one cache, or all.' }),
    ...(permissions !== '' && { permissions }),
    ...(isImport &&
      !/^[\x21-\x7e]{1,8192}$/.test(draft.credential.trim()) && {
        credential: 'The secret as the encoder has it: one run of characters without spaces.',
      }),
  }
}

export function hasProblems({ rows, ...others }: DraftProblems): boolean {
  return Object.keys(rows).length > 0 || Object.keys(others).length > 0
}

function checkRow(row: PermissionRow): string {
  if (!row.isAllCaches && row.caches.length === 0) return 'Choose at least one cache, or all.'
  if (row.itemsKind === 'all') return ''
  const sizeBytes = new TextEncoder().encode(row.itemsText).length
  if (sizeBytes >= 1 && sizeBytes <= 1024) return ''
  return row.itemsKind === 'key' ? 'A key of 1 to 1024 bytes.' : 'A prefix of 1 to 1024 bytes.'
}

function checkPermissions(draft: KeyDraft): string {
  if (draft.kind === 'super') return ''
  if (draft.kind === 'fine' && draft.rows.length === 0)
    return 'Without a permission it opens nothing.'
  const statements = toStatements(draft)
  if (statements.length > STATEMENTS_MAX) {
    return `${statements.length} permissions, one for each cache of a row: ${STATEMENTS_MAX} at most. All caches counts as one.`
  }
  const names = statements.map(({ cache, items }) => JSON.stringify([cache, items]))
  const twice = statements.find((_, index) => names.indexOf(names[index] ?? '') < index)
  return twice === undefined
    ? ''
    : `${twice.cache === '*' ? 'All caches' : `“${twice.cache}”`} is there twice for the same items.`
}

/** One for each cache, as the server counts them; for words, too. */
export function toStatements(draft: KeyDraft): PermissionView[] {
  if (draft.kind === 'super') return []
  return draft.rows.flatMap(({ role, isAllCaches, caches, itemsKind, itemsText }) => {
    const items =
      itemsKind === 'all' ? 'all' : `${itemsKind === 'key' ? 'key' : 'prefix'} ${itemsText}`
    return (isAllCaches ? ['*'] : caches).map((cache) => ({ role, cache, items }))
  })
}

/** What the server is asked for. The draft has no problem. */
export function toKeyRequest(draft: KeyDraft): KeyRequest {
  const expiry = checkExpiry(draft.expiry)
  const seconds = expiry.kind === 'valid' ? expiry.seconds : undefined
  return {
    ...(draft.keyId !== '' && { keyId: draft.keyId }),
    ...(draft.description.trim() !== '' && { description: draft.description.trim() }),
    ...(draft.kind === 'super' && { superUser: true }),
    ...(draft.kind === 'admin' && { admin: draft.isAdminOfAll ? '*' : draft.adminCaches }),
    ...(draft.kind !== 'super' &&
      draft.rows.length > 0 && { permissions: draft.rows.map(toPermission) }),
    ...(seconds !== undefined && { expiresInSeconds: seconds }),
  }
}

function toPermission(row: PermissionRow): PermissionRequest {
  const { role, isAllCaches, caches, itemsKind, itemsText } = row
  const items: ItemsRequest =
    itemsKind === 'all'
      ? { kind: 'all' }
      : itemsKind === 'key'
        ? { kind: 'key', key: itemsText }
        : { kind: 'keyPrefix', keyPrefix: itemsText }
  return { role, caches: isAllCaches ? '*' : caches, items }
}
