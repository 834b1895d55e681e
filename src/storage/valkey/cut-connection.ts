/** The end of a connection that answers nothing, so that nothing sent over it is done later. */

import type { Redis } from 'ioredis'

/**
 * Ends it with a reset, which drops what the system has not delivered yet: a write that was refused
 * because nobody answered must not arrive after what others have written since. The client connects
 * again by itself.
 */
export function cutConnection(client: Redis): void {
  // Absent before the first attempt, whatever its type says.
  const stream = client.stream as Redis['stream'] | null | undefined
  try {
    stream?.resetAndDestroy()
  } catch {
    // With TLS there is no reset.
    stream?.destroy()
  }
}
