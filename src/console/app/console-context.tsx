/**
 * What every page of the console can reach, made once: the API, the session, the connection, live
 * events, toasts. Pages use the hooks of `use-*.ts` rather than this.
 */

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ApiClient } from '../api/api-client.ts'
import type { ServerInfo } from '../api/api-types.ts'
import type { Connection } from '../api/connection.ts'
import type { Session } from '../api/session.ts'
import type { LiveEvents } from './live-events.ts'
import type { Toasts } from './toasts.ts'

export interface Console {
  readonly api: ApiClient
  readonly connection: Connection
  readonly events: LiveEvents
  readonly toasts: Toasts
  readonly session: Session
  readonly server: ServerInfo
  /** The server's clock minus this machine's: ages of what the server dates. */
  readonly clockOffsetMs: number
  readonly signOut: () => void
}

const ConsoleContext = createContext<Console | undefined>(undefined)

export const ConsoleProvider = ConsoleContext.Provider

/** @throws Error outside of the shell. */
export function useConsole(): Console {
  const value = useContext(ConsoleContext)
  if (value === undefined) throw new Error('A page outside of the shell.')
  return value
}
