/** Something a person does that the server must agree to: at most one at a time, its failure in words. */

import { useCallback, useRef, useState } from 'preact/hooks'
import { toSentences } from '../api/api-error.ts'

export interface Action<A extends readonly unknown[]> {
  /** Resolves to whether it worked. Does nothing while it is running. */
  readonly run: (...args: A) => Promise<boolean>
  readonly isRunning: boolean
  /** '' when there is none. */
  readonly error: string
  readonly clearError: () => void
}

export function useAction<A extends readonly unknown[]>(
  act: (...args: A) => Promise<void>,
): Action<A> {
  const [isRunning, setIsRunning] = useState(false)
  const [error, setError] = useState('')
  const latest = useRef(act)
  latest.current = act
  const isBusy = useRef(false)
  const run = useCallback(async (...args: A) => {
    if (isBusy.current) return false
    isBusy.current = true
    setIsRunning(true)
    setError('')
    try {
      await latest.current(...args)
      return true
    } catch (failure) {
      setError(toSentences(failure))
      return false
    } finally {
      isBusy.current = false
      setIsRunning(false)
    }
  }, [])
  return { run, isRunning, error, clearError: () => setError('') }
}
