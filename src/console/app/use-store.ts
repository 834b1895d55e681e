/** Renders again when something outside of preact has changed. */

import { useEffect, useState } from 'preact/hooks'

export interface Subscribable {
  /** The answer ends it. */
  subscribe(listener: () => void): () => void
}

/** What `read` gives now, and whenever the store tells of a change. */
export function useStore<T>(store: Subscribable, read: () => T): T {
  const [value, setValue] = useState(read)
  useEffect(() => {
    const update = () => setValue(() => read())
    update()
    return store.subscribe(update)
    // `read` is a new function in each render; what it reads is the store's.
  }, [store])
  return value
}
