/** Two origins on one Valkey, each a process of its own that may be killed. */

import type { Test } from 'tap'
import { freePort } from './cdn-process.ts'
import { startTwin } from './twin-rig.ts'
import type { TwinOrigin } from './twin-rig.ts'

/** One of them, and the folder in which it runs: commands find it there. */
export type PairedOrigin = TwinOrigin & { readonly folder: string }

export interface ValkeyPair {
  readonly a: PairedOrigin
  readonly b: PairedOrigin
}

/** @param env  Of both, or of each, beside what they need to find each other. */
export async function startValkeyPair(
  t: Test,
  valkeyUrl: string,
  env: { readonly a?: Record<string, string>; readonly b?: Record<string, string> } = {},
): Promise<ValkeyPair> {
  const root = t.testdir({ a: {}, b: {} })
  const start = async (name: 'a' | 'b') => {
    const folder = `${root}/${name}`
    const origin = await startTwin(t, folder, await freePort(), {
      HEADWATER_STORAGE_KIND: 'valkey',
      HEADWATER_STORAGE_VALKEY_URL: valkeyUrl,
      ...env[name],
    })
    return { ...origin, folder }
  }
  const [a, b] = await Promise.all([start('a'), start('b')])
  return { a, b }
}
