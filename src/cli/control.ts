/**
 * What `key` and `cache` do, whoever does it: a running server by its admin API, or this process on
 * the data directory when no server runs. Commands do not care which.
 */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FIRST_KEY_FILES } from '../auth/first-keys.ts'
import type { KeyInfo } from '../auth/key-service.ts'
import type { GrantRequest } from '../auth/key-request.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CacheSettings, Config } from '../config/schema.ts'
import type { CacheView } from '../http/admin/cache-routes.ts'
import type { KeyView } from '../http/admin/key-routes.ts'
import { AdminClient } from './admin-client.ts'
import type { CliContext } from './cli-context.ts'
import { OfflineControl } from './offline-control.ts'
import { isProcessAlive, readServerFile } from './server-file.ts'

/** What is to be revoked when it is not a key of the list. */
export type RevokedThing = { readonly credential: string } | { readonly keyId: string }

/** All methods throw HeadwaterError with a code of the control plane. */
export interface Control {
  /** Where the work is done, for people: `the server at http://…`, `the data directory /…`. */
  readonly where: string
  /** The key is in `keyInfo`, this once. */
  createKey(request: GrantRequest): Promise<{ readonly key: KeyView; readonly keyInfo: KeyInfo }>
  importKey(request: GrantRequest & { readonly credential: string }): Promise<KeyView>
  listKeys(): Promise<readonly KeyView[]>
  showKey(keyId: string): Promise<KeyView>
  revokeKey(keyId: string): Promise<KeyView>
  /** A credential of any kind, or an id without a record. @returns What is revoked now. */
  revokeAny(what: RevokedThing): Promise<string>
  /** A copy of the key that this refresh token is of. */
  refreshKey(refreshToken: string): Promise<{ readonly key: KeyView; readonly keyInfo: KeyInfo }>
  createCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView>
  listCaches(): Promise<readonly CacheView[]>
  showCache(name: string): Promise<CacheView>
  setCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView>
  /** @returns How many items went. */
  flushCache(name: string): Promise<number>
  deleteCache(name: string): Promise<void>
  close(): Promise<void>
}

export interface ControlOptions {
  readonly config: Config
  /** `--admin-url`. */
  readonly adminUrl: string | undefined
}

/**
 * Finds the server: the explicit URL, else `server.json` in the data directory, else the directory
 * itself, under its lock.
 *
 * @throws HeadwaterError `HW_CLI_SERVER_UNREACHABLE` when an explicit URL does not answer,
 * `HW_DATA_DIR_UNUSABLE` when there is neither a server nor a directory, `HW_DATA_DIR_LOCKED`.
 */
export async function openControl(context: CliContext, options: ControlOptions): Promise<Control> {
  const client = await findServer(context, options)
  if (client !== undefined) return client
  const dataDir = resolve(context.cwd, options.config.dataDir)
  if (!existsSync(dataDir)) {
    throw new HeadwaterError('HW_DATA_DIR_UNUSABLE', `There is no data directory ${dataDir}.`, {
      detail:
        'Run this where the server runs, name its directory with --data-dir, or its admin URL with --admin-url. To begin anew, start one: headwater serve',
    })
  }
  return OfflineControl.open({ config: options.config, dataDir, clock: context.clock })
}

/**
 * The server, for what only a running one can do. Found as by {@link openControl}.
 *
 * @throws HeadwaterError `HW_CLI_SERVER_UNREACHABLE` when there is none.
 */
export async function requireServer(
  context: CliContext,
  options: ControlOptions,
): Promise<AdminClient> {
  const client = await findServer(context, options)
  if (client !== undefined) return client
  const dataDir = resolve(context.cwd, options.config.dataDir)
  throw new HeadwaterError('HW_CLI_SERVER_UNREACHABLE', `No server runs on ${dataDir}.`, {
    detail:
      'Start one, name its directory with --data-dir, or its admin URL with --admin-url or HEADWATER_ADMIN_URL.',
  })
}

async function findServer(
  context: CliContext,
  options: ControlOptions,
): Promise<AdminClient | undefined> {
  const { env } = context
  const dataDir = resolve(context.cwd, options.config.dataDir)
  const key = (env['HEADWATER_ADMIN_KEY'] ?? '') || (await readSuperUserKey(dataDir))
  const explicit = options.adminUrl ?? (env['HEADWATER_ADMIN_URL'] || undefined)
  if (explicit !== undefined) {
    const client = new AdminClient({ adminUrl: checkUrl(explicit), key })
    await client.requireServer()
    return client
  }
  const info = await readServerFile(dataDir)
  // A process id of another container says nothing here: only a live server's answer counts.
  if (info === undefined || !isProcessAlive(info.pid)) return undefined
  const client = new AdminClient({ adminUrl: info.adminUrl, key })
  return (await client.isServer(info.pid)) ? client : undefined
}

function checkUrl(text: string): string {
  if (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '')
  throw new HeadwaterError('HW_CLI_USAGE', 'The admin URL is not a URL.', {
    detail: 'Write it like http://127.0.0.1:8081 (--admin-url or HEADWATER_ADMIN_URL).',
  })
}

/** `undefined` when there is none to be read: the server then says that one is needed. */
async function readSuperUserKey(dataDir: string): Promise<string | undefined> {
  try {
    const file = join(dataDir, FIRST_KEY_FILES.superUser)
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value !== 'object' || value === null || !('apiKey' in value)) return undefined
    return typeof value.apiKey === 'string' ? value.apiKey : undefined
  } catch {
    // Ignored: not this user's, or not there; HEADWATER_ADMIN_KEY is the other way.
    return undefined
  }
}
