/** Where a pull writes to and as whom: a running server that is found, or any origin with its key. */

import { resolve } from 'node:path'
import type { Config } from '../../config/schema.ts'
import type { AdminClient } from '../admin-client.ts'
import type { CliContext } from '../cli-context.ts'
import { requireServer } from '../control.ts'
import { credentialOfFile } from '../credential-input.ts'
import type { PushTarget } from '../item-client.ts'
import { readServerFile } from '../server-file.ts'
import type { PullArguments } from './pull-arguments.ts'

export interface PullTarget {
  readonly target: PushTarget
  /** For people: what players ask. */
  readonly publicUrl: string
  /** The largest object that the cache takes. */
  readonly segmentBytesMax: number
  readonly renewKey: (() => Promise<string>) | undefined
  /** Takes back the key that was made for the pull. Never throws. */
  close(): Promise<void>
}

/** The default of a cache (`caches.defaults.itemSizeBytesMax`). */
const SEGMENT_BYTES_MAX = 10 * 1024 * 1024
/** A pull asks for another one when it is over; one that was killed leaves none for ever. */
const KEY_SECONDS = 7 * 86_400

/** @throws HeadwaterError `HW_CLI_SERVER_UNREACHABLE`, `HW_CACHE_NOT_FOUND`, `HW_CLI_USAGE`. */
export async function openPullTarget(
  context: CliContext,
  config: Config,
  args: PullArguments & {
    readonly adminUrl: string | undefined
    readonly key: string | undefined
    readonly keyFile: string | undefined
  },
): Promise<PullTarget> {
  const { cacheName, keyPrefix, to } = args
  if (to !== undefined) {
    const encoderKey =
      args.key ?? (await credentialOfFile(resolve(context.cwd, args.keyFile ?? '')))
    return {
      target: { dataPlaneUrl: to, cacheName, encoderKey },
      publicUrl: to,
      segmentBytesMax: SEGMENT_BYTES_MAX,
      renewKey: undefined,
      close: () => Promise.resolve(),
    }
  }
  const server = await requireServer(context, { config, adminUrl: args.adminUrl })
  const { settings } = await server.showCache(cacheName)
  const urls = await urlsOf(server, context, config, args.adminUrl)
  const keyIds: string[] = []
  const makeKey = async () => {
    const { key, keyInfo } = await server.createKey({
      ...{ role: 'readwrite', caches: [cacheName], description: 'pull' },
      ...{ expiresInSeconds: KEY_SECONDS },
      ...(keyPrefix === '' ? {} : { items: { kind: 'keyPrefix', keyPrefix } }),
    })
    keyIds.push(key.keyId)
    return keyInfo.apiKey
  }
  return {
    target: { dataPlaneUrl: urls.dataPlaneUrl, cacheName, encoderKey: await makeKey() },
    publicUrl: urls.publicUrl,
    segmentBytesMax: settings.itemSizeBytesMax,
    renewKey: makeKey,
    close: async () => {
      for (const keyId of keyIds) {
        // Ignored: a server that has gone, or one where it has expired; it ends by itself.
        await server.revokeKey(keyId).catch(() => undefined)
      }
    },
  }
}

/** This machine's own way to a server of its data directory; else what everybody is told. */
async function urlsOf(
  server: AdminClient,
  context: CliContext,
  config: Config,
  adminUrl: string | undefined,
): Promise<{ readonly dataPlaneUrl: string; readonly publicUrl: string }> {
  const { dataPlaneUrl } = await server.ask<{ dataPlaneUrl: string }>('GET', '/api/server')
  const info =
    adminUrl === undefined ? await readServerFile(resolve(context.cwd, config.dataDir)) : undefined
  const isSame = info !== undefined && info.adminUrl === server.endpoint.adminUrl
  return { dataPlaneUrl: isSame ? info.dataPlaneUrl : dataPlaneUrl, publicUrl: dataPlaneUrl }
}
