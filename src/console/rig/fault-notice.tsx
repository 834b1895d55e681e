/** On every page, as long as answers go wrong on purpose: which faults, until when, and their end. */

import type { ServerInfo } from '../api/api-types.ts'
import type { FaultList, FaultsChangeEvent } from '../api/rig-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { useAction } from '../app/use-action.ts'
import { useLiveEvent, useResource } from '../app/use-resource.ts'
import { Icon } from '../ui/icons.tsx'
import { ErrorBanner } from '../ui/parts.tsx'
import { faultsInWords, onWords } from './fault-words.ts'

const REFRESH_MS = 5000

export function FaultNotice() {
  const { server, session } = useConsole()
  if (server.rigEnabled !== true) return null
  return session.superUser ? <SteeredFaults /> : <ToldFaults />
}

function SteeredFaults() {
  const { api, toasts } = useConsole()
  const { data, reload } = useResource<FaultList>('/api/faults', {
    refreshMs: REFRESH_MS,
    refreshOn: ['faults'],
  })
  useLiveEvent('faults', (event) => {
    // The server's own shape: both are of one OpenAPI text.
    const { change, faultId } = event as FaultsChangeEvent
    if (change === 'lapsed') toasts.show(`The fault ${faultId} has ended by its time limit.`)
  })
  const clear = useAction(async () => {
    await api.request('/api/faults', { method: 'DELETE' })
    await reload()
  })
  const faults = data?.faults ?? []
  if (faults.length === 0) return null
  return (
    <section class="fault-notice" aria-label="Faults in force">
      <div class="banner banner-wait">
        <Icon name="warning" />
        <p>
          <strong role="status">{onWords(faults.length)}.</strong>{' '}
          <span class="fault-notice-details">{faultsInWords(faults)}. </span>
          <a href={routeHref('rig')}>Show them</a>
        </p>
        <button type="button" disabled={clear.isRunning} onClick={() => void clear.run()}>
          End {faults.length === 1 ? 'it' : 'all'}
        </button>
      </div>
      <ErrorBanner error={clear.error} />
    </section>
  )
}

/** For who may not steer them, but sees what they do. */
function ToldFaults() {
  const { data } = useResource<ServerInfo>('/api/server', {
    refreshMs: REFRESH_MS,
    refreshOn: ['faults'],
  })
  const count = data?.faultCount ?? 0
  if (count === 0) return null
  return (
    <section class="fault-notice" aria-label="Faults in force">
      <div class="banner banner-wait">
        <Icon name="warning" />
        <p>
          <strong role="status">{onWords(count)}.</strong> Answers go wrong on purpose; a super-user
          can end that.
        </p>
      </div>
    </section>
  )
}
