/** The time, as a state: for ages and countdowns that move by themselves. */

import { useEffect, useState } from 'preact/hooks'
import { useConsole } from './console-context.tsx'

/** @returns This machine's wall clock, ms; renders again at each interval. */
export function useNow(intervalMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), intervalMs)
    return () => clearInterval(timer)
  }, [intervalMs])
  return nowMs
}

/** @returns The server's wall clock, ms: what the ages of its times are measured with. */
export function useServerNow(intervalMs: number): number {
  return useNow(intervalMs) + useConsole().clockOffsetMs
}
