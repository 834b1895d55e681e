/**
 * The signed-in session: where it is kept, and the link token that the address bar may carry. The key
 * that somebody signs in with is never kept anywhere.
 */

/** What `POST /api/sign-in` answers. */
export interface Session {
  /** Sent as `Authorization: Bearer`. */
  readonly session: string
  /** RFC 3339. */
  readonly expiresAt: string
  readonly superUser: boolean
  /** Caches that may be administered; `'*'` for all. A super-user's is of no account. */
  readonly adminCaches: readonly string[] | '*'
}

/** The part of `sessionStorage` that is used. */
export interface SessionStorageLike {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

const STORAGE_KEY = 'headwater.session'

/** One tab's session; survives a reload, not the tab. Works, for the page's life, without storage. */
export class SessionStore {
  readonly #storage: SessionStorageLike | undefined
  readonly #nowMs: () => number
  #session: Session | undefined

  constructor(storage: SessionStorageLike | undefined, nowMs: () => number) {
    this.#storage = storage
    this.#nowMs = nowMs
    this.#session = this.#load()
  }

  /** `undefined` when nobody is signed in, or the session is over. */
  get(): Session | undefined {
    if (this.#session === undefined) return undefined
    return Date.parse(this.#session.expiresAt) <= this.#nowMs() ? undefined : this.#session
  }

  /** `undefined` signs out. */
  set(session: Session | undefined): void {
    this.#session = session
    try {
      if (session === undefined) this.#storage?.removeItem(STORAGE_KEY)
      else this.#storage?.setItem(STORAGE_KEY, JSON.stringify(session))
    } catch {
      // Ignored: storage is blocked or full; the page's memory has it.
    }
  }

  #load(): Session | undefined {
    try {
      return parseSession(JSON.parse(this.#storage?.getItem(STORAGE_KEY) ?? 'null'))
    } catch {
      // Ignored: blocked, or not ours.
      return undefined
    }
  }
}

/** `undefined` when it is not a session. */
export function parseSession(value: unknown): Session | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Of any object that JSON can hold.
  const { session, expiresAt, superUser, adminCaches } = value as Record<string, unknown>
  if (typeof session !== 'string' || session === '') return undefined
  if (typeof expiresAt !== 'string' || Number.isNaN(Date.parse(expiresAt))) return undefined
  const names: unknown[] = Array.isArray(adminCaches) ? adminCaches : []
  return {
    session,
    expiresAt,
    superUser: superUser === true,
    adminCaches:
      adminCaches === '*' ? '*' : names.filter((name): name is string => typeof name === 'string'),
  }
}

/** May this session change the cache? A courtesy of the console: the server decides. */
export function maySteer(session: Session, cacheName: string): boolean {
  return session.superUser || session.adminCaches === '*' || session.adminCaches.includes(cacheName)
}

/** The single-use token of `#sign-in=<token>`; `undefined` when the fragment is a page. */
export function parseSignInFragment(hash: string): string | undefined {
  return /^#sign-in=([\x21-\x7e]+)$/.exec(hash)?.[1]
}
