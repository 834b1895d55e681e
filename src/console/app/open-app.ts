/** Puts the console's parts together: session, API, connection, live events, toasts. */

import { ApiClient } from '../api/api-client.ts'
import { Connection } from '../api/connection.ts'
import { EventStream } from '../api/event-stream.ts'
import { SessionStore } from '../api/session.ts'
import type { Session } from '../api/session.ts'
import { LiveEvents } from './live-events.ts'
import { Toasts } from './toasts.ts'

export interface AppParts {
  readonly api: ApiClient
  readonly connection: Connection
  readonly events: LiveEvents
  readonly stream: EventStream
  readonly toasts: Toasts
  readonly session: SessionStore
  /** Signs in or out; tells who subscribed. */
  setSession(session: Session | undefined, notice?: string): void
  /** Why nobody is signed in any more; ''. */
  readonly notice: () => string
  subscribe(listener: () => void): () => void
}

/** One for the page's life. */
export function openApp(): AppParts {
  const session = new SessionStore(tabStorage(), () => Date.now())
  const listeners = new Set<() => void>()
  let notice = ''
  const setSession = (next: Session | undefined, why = '') => {
    session.set(next)
    notice = why
    for (const listener of listeners) listener()
  }
  const connection = new Connection({ ask: askHealth, nowMs: () => Date.now(), random, later })
  const api = new ApiClient({
    fetch: (...request) => fetch(...request),
    session,
    onUnauthorized: () => setSession(undefined, 'Your session has ended. Sign in again.'),
    onReached: () => connection.reached(),
    onUnreachable: () => connection.lost(),
  })
  const events = new LiveEvents()
  const stream = new EventStream({
    open: (signal) =>
      api.fetch('/api/events', { signal, headers: { accept: 'text/event-stream' } }),
    random,
    later,
    onConnected: () => events.emit('connected', undefined),
    onEvent: (type, data) => events.emit(type, data),
    onDisconnected: () => events.emit('disconnected', undefined),
  })
  window.addEventListener('online', () => connection.retryNow())
  return {
    api,
    connection,
    events,
    stream,
    toasts: new Toasts((call, delayMs) => void setTimeout(call, delayMs)),
    session,
    setSession,
    notice: () => notice,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function tabStorage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    // Ignored: storage is blocked; the session lives as long as the page.
    return undefined
  }
}

/** Needs no session, and a server that is starting answers it, too. */
async function askHealth(): Promise<void> {
  const response = await fetch('/health/live', { cache: 'no-store', credentials: 'omit' })
  if (response.status >= 502) throw new Error('a gateway answered')
}

function random(): number {
  return Math.random()
}

function later(call: () => void, delayMs: number): () => void {
  const timer = setTimeout(call, delayMs)
  return () => clearTimeout(timer)
}
