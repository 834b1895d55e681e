/**
 * Connections to Valkey or Redis through ioredis: one server, the primary that Sentinels name, or a
 * cluster. Knows addresses and options; what is said over them is for others.
 */

import { Cluster, Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import type { ValkeyAddress } from './valkey-url.ts'

export interface ValkeyClientOptions {
  readonly address: ValkeyAddress
  /** Longest wait for a connection or an answer. */
  readonly timeoutMs: number
  /** PEM of the authorities that sign the server's certificate; `undefined`: those of the system. */
  readonly authorities?: string | undefined
}

const RETRY_MS_MAX = 500

/** A server or whatever primary the Sentinels name at the moment. Not connected yet. */
export function createClient(options: ValkeyClientOptions): Redis {
  const { hosts, sentinelName, database } = options.address
  const common = { ...commonOptions(options), db: database, enableOfflineQueue: false }
  if (sentinelName === undefined) {
    const [{ host, port }] = hosts
    return new Redis({ ...common, host, port, retryStrategy })
  }
  return new Redis({
    ...common,
    sentinels: hosts.map(({ host, port }) => ({ host, port })),
    name: sentinelName,
    retryStrategy,
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: options.timeoutMs,
    ...(options.address.tls ? { enableTLSForSentinelMode: true } : {}),
  })
}

export function createCluster(options: ValkeyClientOptions): Cluster {
  const hosts = options.address.hosts.map(({ host, port }) => ({ host, port }))
  return new Cluster(hosts, {
    redisOptions: commonOptions(options),
    enableOfflineQueue: false,
    lazyConnect: true,
    slotsRefreshTimeout: options.timeoutMs,
    slotsRefreshInterval: 5000,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
  })
}

/** Another connection to the server that a connection of a cluster leads to. */
export function createTwin(options: ValkeyClientOptions, client: Redis): Redis {
  const { host = '', port = 0 } = client.options
  return new Redis({
    ...commonOptions(options),
    ...{ host, port, retryStrategy, enableOfflineQueue: false },
  })
}

function commonOptions({ address, timeoutMs, authorities }: ValkeyClientOptions) {
  const { username, password, tls } = address
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(tls ? { tls: authorities === undefined ? {} : { ca: authorities } } : {}),
    // Invalidations are pushed in version 3, and ioredis 6 keeps them to itself.
    protocol: 2,
    lazyConnect: true,
    connectionName: 'headwater',
    disableClientInfo: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    keepAlive: 10_000,
    // A primary that has become a replica: the next connection finds the new one.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 1 : false),
  } satisfies RedisOptions
}

function retryStrategy(times: number): number {
  return Math.min(50 * times, RETRY_MS_MAX)
}
