/** The time, as a state: for ages and countdowns that move by themselves. */

import { useEffect, useState } from 'preact/hooks'

/** @returns Wall clock, ms; renders again at each interval. */
export function useNow(intervalMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), intervalMs)
    return () => clearInterval(timer)
  }, [intervalMs])
  return nowMs
}
