/**
 * A process of its own for the lock's tests: opens the directory when told `open`, reports what came
 * of it, holds it until told `close` or killed.
 */

import { HeadwaterError } from '../../src/base/errors.ts'
import { DataDirectory } from '../../src/storage/data-directory.ts'

/** What a child reports. */
export type LockReport =
  | { readonly kind: 'ready' | 'open' | 'closed' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

let directory: DataDirectory | undefined

async function obey(order: unknown): Promise<LockReport> {
  if (order === 'close') {
    await directory?.close()
    return { kind: 'closed' }
  }
  try {
    directory = await DataDirectory.open(process.argv[2] ?? '', { create: true })
    return { kind: 'open' }
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    return { kind: 'refused', code: error.code, message: error.message }
  }
}

function report(message: LockReport): void {
  process.send?.(message)
}

process.on('message', (order) => void obey(order).then(report))
process.on('disconnect', () => process.exit())
report({ kind: 'ready' })
