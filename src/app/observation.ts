/** The part of the composition root that tells of requests: access log, recent requests, webhooks. */

import { readFile } from 'node:fs/promises'
import type { ClientAddresses } from '../auth/client-address.ts'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { WEBHOOK_SECRET_BYTES_MIN } from '../config/formats.ts'
import type { Config } from '../config/schema.ts'
import { AccessLog } from '../http/access-log.ts'
import type { AccessLogStats } from '../http/access-log.ts'
import { RecentRequests } from '../http/recent-requests.ts'
import type { RequestObserver } from '../http/request-record.ts'
import { Webhooks } from '../http/webhooks.ts'
import type { WebhookTarget } from '../http/webhooks.ts'
import type { Core } from './core.ts'

/** What tells of requests while the planes are open. */
export interface Observation {
  /** To be told of every item request. */
  readonly observers: readonly RequestObserver[]
  readonly recentRequests: RecentRequests
  readonly webhooks: Webhooks
  /** `undefined` without an access log. */
  readonly accessLogStats: AccessLogStats | undefined
  /** For who has renamed the access log. */
  reopenLogs(): void
  /** Writes and tells what is left, a few seconds at most. */
  close(): Promise<void>
}

export interface ObservationOptions {
  readonly config: Config
  readonly clock: Clock
  /** Of webhooks: receivers hold their time against their own. */
  readonly machineClock: Clock
  readonly log: Logger
  readonly core: Core
  readonly clientAddresses: ClientAddresses
}

/** @throws HeadwaterError HW_START_ACCESS_LOG; HW_CONFIG_INVALID for a secret that cannot be read. */
export async function openObservation(options: ObservationOptions): Promise<Observation> {
  const { config, clock, machineClock, log, core, clientAddresses } = options
  const { publicUrl } = core
  const targets = await Promise.all(config.webhooks.items.map((item) => targetOf(item, config)))
  const { path, sample } = config.accessLog
  const storage = config.storage.kind
  const accessLog =
    path === ''
      ? undefined
      : await AccessLog.open({ path, sample, storage, clientAddresses, clock, log })
  const recentRequests = new RecentRequests({ clock, clientAddresses, publicUrl })
  const webhooks = new Webhooks({
    ...{ targets, events: core.origin.events, clock: machineClock, log, publicUrl },
  })
  return {
    observers: accessLog === undefined ? [recentRequests] : [recentRequests, accessLog],
    recentRequests,
    webhooks,
    accessLogStats: accessLog?.stats,
    reopenLogs: () => accessLog?.reopen(),
    close: async () => {
      await Promise.all([webhooks.close(), accessLog?.close()])
    },
  }
}

async function targetOf(
  { url, events = [], secretFile = '' }: Config['webhooks']['items'][number],
  config: Config,
): Promise<WebhookTarget> {
  if (secretFile === '') return { url, events, secret: config.webhooks.secret }
  const secret = await readFile(secretFile, 'utf8').catch((cause: unknown) => {
    const { message } = cause as Error // node:fs rejects with nothing else
    throw new HeadwaterError('HW_CONFIG_INVALID', `webhooks.items: secretFile: ${message}`, {
      cause,
    })
  })
  const trimmed = secret.trim()
  if (Buffer.byteLength(trimmed) < WEBHOOK_SECRET_BYTES_MIN) {
    throw new HeadwaterError(
      'HW_CONFIG_INVALID',
      `webhooks.items: ${secretFile} must have at least ${WEBHOOK_SECRET_BYTES_MIN} bytes.`,
    )
  }
  return { url, events, secret: trimmed }
}
