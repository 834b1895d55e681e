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
  /** For addresses with TLS. */
  readonly tlsFiles?: ValkeyTlsFiles
}

/** PEM, as the files hold it. */
export interface ValkeyTlsFiles {
  /** Authorities that sign the servers' certificates; absent: those of the system. */
  readonly ca?: string
  /** Who this is, for servers that ask. */
  readonly cert?: string
  readonly key?: string
}

const RETRY_MS_MAX = 500
/** Every command of a connection has failed long before it is given up. */
const SILENCE_FACTOR = 2

/** A server or whatever primary the Sentinels name at the moment. Not connected yet. */
export function createClient(options: ValkeyClientOptions): Redis {
  const { hosts, sentinel, database } = options.address
  const common = { ...commonOptions(options), db: database, enableOfflineQueue: false }
  if (sentinel === undefined) {
    const [{ host, port }] = hosts
    return new Redis({ ...common, host, port, retryStrategy })
  }
  return new Redis({
    ...common,
    sentinels: hosts.map(({ host, port }) => ({ host, port })),
    name: sentinel.name,
    ...(sentinel.username === '' ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === '' ? {} : { sentinelPassword: sentinel.password }),
    ...(sentinel.tls ? { sentinelTLS: options.tlsFiles ?? {} } : {}),
    ...(options.address.tls ? { enableTLSForSentinelMode: true } : {}),
    retryStrategy,
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: options.timeoutMs,
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

function commonOptions({ address, timeoutMs, tlsFiles }: ValkeyClientOptions) {
  const { username, password, tls } = address
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(tls ? { tls: { ...tlsFiles } } : {}),
    // Invalidations are pushed in version 3, and ioredis 6 keeps them to itself.
    protocol: 2,
    lazyConnect: true,
    connectionName: 'headwater',
    disableClientInfo: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // One that is open and says nothing, of a machine that is gone: the next one may find another.
    socketTimeout: SILENCE_FACTOR * timeoutMs,
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
