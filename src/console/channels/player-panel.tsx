/**
 * Plays a channel as any player would, from the data plane, with a read-only token that is minted
 * for it, and shows how that goes. Brings hls.js: loaded by `lazy-player.tsx` alone.
 */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { PlayToken } from '../api/api-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { PlayerSession, formatBitrate, formatLevel } from '../player-session.ts'
import type { PlayerReport } from '../player-session.ts'
import type { EngineLevel } from '../player-engine.ts'
import type { PlayerStateKind } from '../player-state.ts'
import { UNKNOWN, formatCount } from '../ui/format-figures.ts'
import { Badge, Facts } from '../ui/parts.tsx'
import type { Tone } from '../ui/tone.ts'
import { isMixedContent, toItemUrl, toMediaBase } from './media-url.ts'

const REPORT_INTERVAL_MS = 500

export interface PlayerPanelProps {
  readonly cacheName: string
  readonly itemKey: string
}

const TONES: Readonly<Record<PlayerStateKind, Tone>> = {
  loading: 'info',
  playing: 'good',
  paused: 'quiet',
  stalled: 'wait',
  waiting: 'wait',
  ended: 'quiet',
  refused: 'bad',
  'no-cache': 'bad',
  unreachable: 'bad',
  failed: 'bad',
}

export function PlayerPanel({ cacheName, itemKey }: PlayerPanelProps) {
  const { api, server } = useConsole()
  const video = useRef<HTMLVideoElement>(null)
  const player = useRef<PlayerSession | undefined>(undefined)
  const [levels, setLevels] = useState<readonly EngineLevel[]>([])
  const [report, setReport] = useState<PlayerReport>()
  const [isStopped, setIsStopped] = useState(false)

  useEffect(() => {
    if (video.current === null || isStopped) return undefined
    const mediaBase = toMediaBase(server.dataPlaneUrl, location.href)
    const session = new PlayerSession({
      video: video.current,
      cacheName,
      key: itemKey,
      itemUrl: toItemUrl(mediaBase, cacheName, itemKey),
      token: async () => {
        const body = { cache: cacheName }
        const { token } = await api.request<PlayToken>('/api/play-token', { method: 'POST', body })
        return token
      },
      onLevels: setLevels,
    })
    player.current = session
    if (isMixedContent(mediaBase, location.href)) {
      session.fail(
        `This page is https and the data plane is not (${mediaBase}): browsers forbid it.`,
      )
    } else {
      session.start()
    }
    const timer = setInterval(() => setReport(session.report()), REPORT_INTERVAL_MS)
    const refuse = (event: SecurityPolicyViolationEvent) => {
      if (event.effectiveDirective !== 'connect-src') return
      session.fail(
        `The playlist names another host (${event.blockedURI}); the console plays from the data plane only.`,
      )
    }
    document.addEventListener('securitypolicyviolation', refuse)
    return () => {
      document.removeEventListener('securitypolicyviolation', refuse)
      clearInterval(timer)
      session.close()
      player.current = undefined
      setReport(undefined)
    }
  }, [api, server.dataPlaneUrl, cacheName, itemKey, isStopped])

  const state = report?.state
  return (
    <div class="player" data-state={state?.kind} data-stalls={report?.stallCount}>
      {/* Live channels carry their captions within, or none. */}
      <video ref={video} muted playsinline controls aria-label={`Channel ${itemKey}`} />
      <div class="player-state" role="status">
        {isStopped ? (
          <Badge tone="quiet">Stopped</Badge>
        ) : (
          state !== undefined && <Badge tone={TONES[state.kind]}>{state.title}</Badge>
        )}
        <p class="quiet">{isStopped ? 'Nothing is loaded.' : state?.advice}</p>
      </div>
      <Figures report={isStopped ? undefined : report} video={video.current} />
      <div class="player-actions">
        <label class="inline-field">
          Quality
          <select
            disabled={levels.length < 2 || isStopped}
            onChange={(event) => player.current?.selectLevel(Number(event.currentTarget.value))}
          >
            <option value="-1">Automatic</option>
            {levels.map((level, index) => (
              <option key={index} value={index}>
                {formatLevel(level)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" disabled={isStopped} onClick={() => player.current?.goToLive()}>
          Go to live
        </button>
        <button
          type="button"
          onClick={() => {
            setLevels([])
            setIsStopped(!isStopped)
          }}
        >
          {isStopped ? 'Play' : 'Stop'}
        </button>
        {(state?.kind === 'failed' || state?.kind === 'refused') && (
          <button type="button" onClick={() => player.current?.start()}>
            Try again
          </button>
        )}
      </div>
    </div>
  )
}

function Figures(props: {
  readonly report: PlayerReport | undefined
  readonly video: HTMLVideoElement | null
}) {
  const { report, video } = props
  const figures = report?.figures
  const height = video?.videoHeight ?? 0
  const quality = video?.getVideoPlaybackQuality()
  return (
    <Facts
      label="Playback"
      facts={[
        {
          term: 'Level',
          value: figures === undefined || height === 0 ? UNKNOWN : `${height}p`,
          note: report?.level === undefined ? UNKNOWN : formatBitrate(report.level),
        },
        {
          term: 'Latency',
          value: formatTenths(figures?.clockLatencySeconds ?? figures?.latencySeconds),
          note:
            figures?.clockLatencySeconds === undefined ? 'behind the live edge' : 'by the clock',
        },
        { term: 'Buffer', value: formatTenths(figures?.bufferSeconds), note: 'ahead' },
        {
          term: 'Stalls',
          value: formatCount(report?.stallCount),
          note: `${formatCount(quality?.droppedVideoFrames)} dropped`,
        },
      ]}
    />
  )
}

/** The same width while it moves. */
function formatTenths(seconds: number | undefined): string {
  return seconds === undefined ? UNKNOWN : `${seconds.toFixed(1)} s`
}
