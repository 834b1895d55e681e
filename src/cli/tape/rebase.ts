/** Stub. */
import type { PrepareRequest } from './prepared-request.ts'
import { prepareExactly } from './prepared-request.ts'
import type { Tape } from './tape-source.ts'

export function openRebase(
  tape: Tape,
  _options: {
    readonly nowMs: number
    readonly isLastLoop: (loop: number) => boolean
    readonly speed: number
  },
): Promise<PrepareRequest> {
  return Promise.resolve((request) => Promise.resolve(prepareExactly(tape, request)))
}
