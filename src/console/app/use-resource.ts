/**
 * Loads something of the admin API for a page and keeps it fresh: at intervals, on live events, and
 * when the server is back. What was loaded stays visible while it is loaded again.
 */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { UnreachableError } from '../api/api-error.ts'
import { useConsole } from './console-context.tsx'

export interface Resource<T> {
  /** `undefined` until it is loaded the first time. */
  readonly data: T | undefined
  /** Why the last try failed; not for a server that is away, which the shell shows. */
  readonly error: unknown
  readonly isLoading: boolean
  /** Loads again now; resolves when that is done. */
  readonly reload: () => Promise<void>
}

export interface ResourceOptions {
  /** Again after so long; 0, the default, is never. */
  readonly refreshMs?: number
  /** Again on these live events. */
  readonly refreshOn?: readonly string[]
}

interface Loaded<T> {
  readonly path: string | undefined
  readonly data: T | undefined
  readonly error: unknown
}

/** @param path  `undefined`: nothing to load yet. A new path drops what was loaded. */
export function useResource<T>(
  path: string | undefined,
  options: ResourceOptions = {},
): Resource<T> {
  const { refreshMs = 0, refreshOn = [] } = options
  const { api, connection, events } = useConsole()
  const [loaded, setLoaded] = useState<Loaded<T>>({ path, data: undefined, error: undefined })
  const [isLoading, setIsLoading] = useState(path !== undefined)
  const running = useRef<AbortController | undefined>(undefined)

  const reload = useCallback(async () => {
    running.current?.abort()
    if (path === undefined) return
    const abort = new AbortController()
    running.current = abort
    setIsLoading(true)
    try {
      const data = await api.request<T>(path, { signal: abort.signal })
      if (!abort.signal.aborted) setLoaded({ path, data, error: undefined })
    } catch (error) {
      if (abort.signal.aborted) return
      const shown = error instanceof UnreachableError ? undefined : error
      setLoaded((before) => ({
        path,
        data: before.path === path ? before.data : undefined,
        error: shown,
      }))
    } finally {
      if (running.current === abort) {
        running.current = undefined
        setIsLoading(false)
      }
    }
  }, [api, path])

  useEffect(() => {
    void reload()
    return () => running.current?.abort()
  }, [reload])
  useEffect(() => {
    // A hidden page asks for nothing; it is brought up to date when it is shown.
    const refresh = () => {
      if (!document.hidden && running.current === undefined) void reload()
    }
    const timer = refreshMs > 0 ? setInterval(refresh, refreshMs) : undefined
    const ends = [
      connection.subscribe(() => {
        if (connection.state.kind === 'online') refresh()
      }),
      ...[...refreshOn, 'connected'].map((type) => events.on(type, refresh)),
    ]
    document.addEventListener('visibilitychange', refresh)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', refresh)
      for (const end of ends) end()
    }
  }, [reload, refreshMs, refreshOn.join()])

  const isCurrent = loaded.path === path
  return {
    data: isCurrent ? loaded.data : undefined,
    error: isCurrent ? loaded.error : undefined,
    isLoading,
    reload,
  }
}

/** Calls with each live event of a type. */
export function useLiveEvent(type: string, listener: (data: unknown) => void): void {
  const { events } = useConsole()
  const latest = useRef(listener)
  latest.current = listener
  useEffect(() => events.on(type, (data) => latest.current(data)), [events, type])
}
