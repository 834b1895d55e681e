/** Keys as a person reads them. */

import { toPlainText } from '../base/plain-text.ts'
import type { KeyView } from '../http/admin/key-routes.ts'
import { formatTable } from './text-table.ts'

/** `readonly on live-origin`, `super-user`. */
export function formatGrant({ superUser, permissions, admin }: KeyView): string {
  if (superUser) return 'super-user'
  const scopes = permissions.map(({ role, cache, items }) => {
    const where = cache === '*' ? 'all caches' : cache
    return `${role} on ${where}${items === 'all' ? '' : ` (${toPlainText(items, 200)})`}`
  })
  const admins =
    admin === null ? [] : [`admin of ${admin === '*' ? 'all caches' : admin.join(', ')}`]
  return [...scopes, ...admins].join('; ')
}

/** `revoked`, `expired`, or when it will: `2026-12-21`, `never`. */
export function formatValidity({ revokedAt, expiresAt }: KeyView, nowIsoTime: string): string {
  if (revokedAt !== null) return `revoked ${shortTime(revokedAt)}`
  if (expiresAt === null) return 'never expires'
  return `${expiresAt <= nowIsoTime ? 'expired' : 'until'} ${shortTime(expiresAt)}`
}

export function formatKeyTable(keys: readonly KeyView[], nowIsoTime: string): string {
  return formatTable([
    ['KEY ID', 'ALLOWS', 'VALID', 'KIND', 'DESCRIPTION'],
    ...keys.map((key) => [
      key.keyId,
      formatGrant(key),
      formatValidity(key, nowIsoTime),
      key.kind,
      toPlainText(key.description, 200),
    ]),
  ])
}

/** One member a line. */
export function formatKeyDetails(key: KeyView, nowIsoTime: string): string {
  return formatTable([
    ['key id', key.keyId],
    ['allows', formatGrant(key)],
    ['valid', formatValidity(key, nowIsoTime)],
    ['kind', key.kind],
    ['made', shortTime(key.issuedAt)],
    ...(key.description === '' ? [] : [['description', toPlainText(key.description, 200)]]),
  ])
}

/** `2026-12-21T09:56:00.000Z` -> `2026-12-21 09:56 UTC`. */
export function shortTime(isoTime: string): string {
  return `${isoTime.slice(0, 10)} ${isoTime.slice(11, 16)} UTC`
}
