/** Says that the server is away, that it is asked again, and that it is back. */

import { useEffect, useState } from 'preact/hooks'
import type { Connection } from '../api/connection.ts'
import { Icon } from '../ui/icons.tsx'
import { formatSeconds } from '../ui/format-figures.ts'
import { useNow } from './use-now.ts'
import { useStore } from './use-store.ts'

const BACK_SHOWN_MS = 5000

export function ConnectionBanner({ connection }: { readonly connection: Connection }) {
  const state = useStore(connection, () => connection.state)
  const [isBack, setIsBack] = useState(false)
  const isOffline = state.kind === 'offline'
  const [wasOffline, setWasOffline] = useState(false)
  useEffect(() => {
    if (isOffline) {
      setWasOffline(true)
      setIsBack(false)
      return undefined
    }
    if (!wasOffline) return undefined
    setWasOffline(false)
    setIsBack(true)
    return undefined
  }, [isOffline])
  useEffect(() => {
    if (!isBack) return undefined
    const timer = setTimeout(() => setIsBack(false), BACK_SHOWN_MS)
    return () => clearTimeout(timer)
  }, [isBack])
  return (
    <div class="connection" role="status" aria-live="polite">
      {isOffline && (
        <div class="banner banner-wait">
          <Icon name="warning" />
          <p>
            <strong>The server is not answering.</strong> What you see may be old.{' '}
            <Wait retryAtMs={state.retryAtMs} sinceMs={state.sinceMs} />
          </p>
          <button type="button" onClick={() => connection.retryNow()}>
            Try now
          </button>
        </div>
      )}
      {isBack && (
        <div class="banner banner-good">
          <Icon name="check" />
          <p>The server answers again.</p>
        </div>
      )}
    </div>
  )
}

function Wait({ retryAtMs, sinceMs }: { readonly retryAtMs: number; readonly sinceMs: number }) {
  const nowMs = useNow(500)
  const waitSeconds = Math.ceil((retryAtMs - nowMs) / 1000)
  // Not read out twice a second.
  return (
    <span aria-hidden="true">
      {waitSeconds > 0 ? `Trying again in ${waitSeconds} s` : 'Trying again'}, away for{' '}
      {formatSeconds(Math.max(1, Math.floor((nowMs - sinceMs) / 1000)))}.
    </span>
  )
}
