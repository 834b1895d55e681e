/** What `export` and `import` have in common: their flags, and the server that they need. */

import { parseCacheName } from '../../base/names.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { AdminClient } from '../admin-client.ts'
import type { CliContext } from '../cli-context.ts'
import { usageError } from '../command.ts'
import { openControl } from '../control.ts'
import type { ControlOptions } from '../control.ts'
import { ObjectClient } from './object-client.ts'

export const TRANSFER_FLAGS = { cache: 'string', json: 'boolean', 'admin-url': 'string' } as const

export const TRANSFER_USAGE = `  --json                 one JSON document on stdout at the end
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
`

export interface TransferFlags {
  readonly cache?: string
  readonly 'admin-url'?: string
}

/**
 * Does the work with the objects of `--cache` on a running server, which has the cache.
 *
 * @throws HeadwaterError `HW_CLI_USAGE`, `HW_CLI_SERVER_UNREACHABLE`, `HW_CACHE_NOT_FOUND`.
 */
export async function withObjects<Result>(
  context: CliContext,
  { own, config }: { readonly own: TransferFlags; readonly config: ControlOptions['config'] },
  work: (objects: ObjectClient) => Promise<Result>,
): Promise<Result> {
  const cacheName = parseCacheName(own.cache ?? '')
  if (cacheName === undefined) {
    throw usageError(own.cache === undefined ? '--cache is missing.' : '--cache is no cache name.')
  }
  const control = await openControl(context, { config, adminUrl: own['admin-url'] })
  try {
    if (!(control instanceof AdminClient)) {
      throw new HeadwaterError('HW_CLI_SERVER_UNREACHABLE', `No server runs on ${control.where}.`, {
        detail: 'Objects are copied through a running one: headwater serve',
      })
    }
    await control.showCache(cacheName)
    const objects = new ObjectClient(control.endpoint, cacheName)
    try {
      return await work(objects)
    } finally {
      objects.close()
    }
  } finally {
    await control.close()
  }
}
