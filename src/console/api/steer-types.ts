/**
 * What the admin API answers about caches, objects, keys and refused requests, as far as the console
 * reads it. Absent figures are `null`; times are RFC 3339 and end in `At`.
 */

/** Members of a cache's settings by name; what they mean is in the API's own description. */
export type CacheSettings = Readonly<Record<string, unknown>>

/** `GET /api/caches/<name>`, and each of `GET /api/caches`. */
export interface CacheView {
  readonly name: string
  /** The configuration names it: its settings there win at a restart. */
  readonly declared: boolean
  readonly createdAt: string
  readonly settings: CacheSettings
  /** Those that are its own. */
  readonly overrides: CacheSettings
  readonly usage: CacheUsage
}

export interface CacheUsage {
  readonly itemCount: number
  /** Bodies only. */
  readonly sizeBytes: number
  /** Bodies, keys and overhead: what `sizeBytesMax` bounds. */
  readonly accountedBytes: number
  readonly pinnedItemCount: number
  readonly pinnedBytes: number
}

export interface CacheList {
  readonly caches: readonly CacheView[]
}

export type ObjectKind =
  'multivariant' | 'media' | 'manifest' | 'segment' | 'part' | 'init' | 'key' | 'other'

export interface ObjectView {
  /** For people: bytes that are not UTF-8 are replaced. */
  readonly key: string
  /** The exact bytes. */
  readonly keyBase64Url: string
  readonly sizeBytes: number
  readonly kind: ObjectKind
  readonly contentType: string
  readonly storedAt: string
  readonly expiresAt: string
  readonly ttlSeconds: number
  readonly version: number
}

/** `GET /api/caches/<name>/objects`. */
export interface ObjectPage {
  readonly objects: readonly ObjectView[]
  /** Given back as `after` for the next page; `null` on the last. */
  readonly nextAfter: string | null
}

export type Role = 'readwrite' | 'readonly' | 'writeonly'

export interface PermissionView {
  readonly role: Role
  /** `*` for every cache. */
  readonly cache: string
  /** `all`, `key <key>` or `prefix <prefix>`. */
  readonly items: string
}

/** `GET /api/keys`; never the key itself. */
export interface KeyView {
  readonly keyId: string
  readonly description: string
  readonly kind: 'minted' | 'imported' | 'v2'
  readonly superUser: boolean
  readonly permissions: readonly PermissionView[]
  readonly admin: '*' | readonly string[] | null
  readonly issuedAt: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
  readonly roleId: string | null
  readonly refreshedFrom: string | null
}

/** `momento_key_info.json`: these members and no others. */
export interface KeyInfo {
  readonly apiKey: string
  readonly refreshToken: string
  /** Seconds since 1970; 0 or a far time for never. */
  readonly validUntil: number
  readonly restEndpoint: string
}

/** `POST /api/keys`. */
export interface NewKey {
  readonly key: KeyView
  readonly keyInfo: KeyInfo
}

/** Which items of a cache. */
export type ItemsRequest =
  | { readonly kind: 'all' }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'keyPrefix'; readonly keyPrefix: string }

export interface PermissionRequest {
  readonly role: Role
  readonly caches: '*' | readonly string[]
  readonly items?: ItemsRequest
}

/** Body of `POST /api/keys`, and, with `credential`, of `POST /api/keys/import`. */
export interface KeyRequest {
  readonly keyId?: string
  readonly description?: string
  readonly superUser?: boolean
  readonly admin?: '*' | readonly string[]
  readonly permissions?: readonly PermissionRequest[]
  readonly expiresInSeconds?: number
}

/** One refusal or miss, or several of one kind. */
export interface RecentRequest {
  /** The same while repeats are counted into it. */
  readonly id: number
  readonly at: string
  readonly firstAt: string
  readonly count: number
  readonly clientAddress: string
  readonly method: string
  readonly operation: string
  /** '' when the target named none. */
  readonly cache: string
  readonly key: string
  readonly keyId: string | null
  /** 0: the client was gone before the answer. */
  readonly statusCode: number
  readonly reason: string
  readonly sentence: string
  readonly advice: string
  readonly commands: readonly string[]
  readonly detail: string | null
  readonly userAgent: string
}
