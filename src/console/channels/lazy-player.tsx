/** The player's place: its code, with hls.js, is fetched only when a channel is looked at. */

import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Card, ErrorBanner, Loading } from '../ui/parts.tsx'
import type { PlayerPanelProps } from './player-panel.tsx'

export function LazyPlayer(props: PlayerPanelProps) {
  const [panel, setPanel] = useState<{ readonly component: ComponentType<PlayerPanelProps> }>()
  const [error, setError] = useState('')
  useEffect(() => {
    let isOver = false
    import('./player-panel.tsx').then(
      ({ PlayerPanel }) => {
        if (!isOver) setPanel({ component: PlayerPanel })
      },
      () => {
        // The files of another version have other names.
        if (!isOver) setError('The player could not be loaded. The server may have been updated.')
      },
    )
    return () => {
      isOver = true
    }
  }, [])
  return (
    <Card title="Player" class="player-card">
      <ErrorBanner error={error} onRetry={() => location.reload()} />
      {panel === undefined ? (
        error === '' && <Loading what="the player" />
      ) : (
        <panel.component {...props} />
      )}
    </Card>
  )
}
