/**
 * Rules that need several settings at once. Each fault names the settings it is about, so that it
 * can be left out when one of them is wrong by itself.
 */

import { isIP } from 'node:net'
import type { Config, DeclaredCache } from './schema.ts'

export interface CrossFault {
  /** Paths of the settings that do not fit together; the first is the one to change. */
  readonly paths: readonly [string, ...string[]]
  readonly fix: string
}

export function crossCheck(config: Config): CrossFault[] {
  return [
    ...checkPorts(config),
    ...checkTls(config),
    ...checkDevKeys(config),
    ...checkCaches(config),
    ...checkWebhooks(config),
    ...checkValkey(config),
  ]
}

/** What works but should be known: for the log and the terminal, at start. */
export function crossWarnings(config: Config): string[] {
  const warnings: string[] = []
  if (config.auth.devKeys && !isLoopback(config.http.host)) {
    warnings.push(
      'auth.devKeys: three keys that everybody knows are accepted from the network (http.host is not loopback)',
    )
  }
  if (
    config.auth.loopbackWithoutKey &&
    (config.http.publicUrl !== '' || config.http.trustedProxies.length > 0)
  ) {
    warnings.push(
      'auth.loopbackWithoutKey: clients of a proxy on this machine need no credential either',
    )
  }
  if (config.http.trustedProxies.some((range) => range.endsWith('/0'))) {
    warnings.push('http.trustedProxies: every client is believed about its own address')
  }
  return warnings
}

function checkPorts(config: Config): CrossFault[] {
  const listeners = listenersOf(config)
  const faults: CrossFault[] = []
  listeners.forEach((listener, index) => {
    for (const other of listeners.slice(0, index)) {
      if (listener.port === 0 || listener.port !== other.port) continue
      if (!isOverlapping(listener.host, other.host)) continue
      const fix = `must differ from ${other.path}: both would listen on the same address`
      faults.push({ paths: [listener.path, other.path], fix })
    }
  })
  return faults
}

function listenersOf({ http, admin }: Config): { path: string; host: string; port: number }[] {
  const listeners = [
    { path: 'http.port', host: http.host, port: http.port },
    { path: 'admin.port', host: admin.host, port: admin.port },
  ]
  if (http.tls.certFile !== '') {
    listeners.push({ path: 'http.tls.port', host: http.host, port: http.tls.port })
  }
  return listeners
}

function checkTls({ http }: Config): CrossFault[] {
  const { certFile, keyFile } = http.tls
  if ((certFile === '') === (keyFile === '')) return []
  return certFile === ''
    ? [{ paths: ['http.tls.certFile', 'http.tls.keyFile'], fix: 'is needed for http.tls.keyFile' }]
    : [{ paths: ['http.tls.keyFile', 'http.tls.certFile'], fix: 'is needed for http.tls.certFile' }]
}

function isOverlapping(left: string, right: string): boolean {
  if (left === right || isEverywhere(left) || isEverywhere(right)) return true
  return [left, right].includes('localhost') && isLoopback(left) && isLoopback(right)
}

function isEverywhere(host: string): boolean {
  return host === '*' || host === '0.0.0.0' || host === '::'
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function checkDevKeys({ auth, http, storage }: Config): CrossFault[] {
  if (!auth.devKeys) return []
  const faults: CrossFault[] = []
  const fix = 'must be false here: keys that everybody knows are for a rig on one machine'
  if (http.tls.certFile !== '' || http.tls.keyFile !== '') {
    faults.push({ paths: ['auth.devKeys', 'http.tls.certFile', 'http.tls.keyFile'], fix })
  }
  if (storage.kind === 'valkey') faults.push({ paths: ['auth.devKeys', 'storage.kind'], fix })
  return faults
}

function checkValkey({ storage }: Config): CrossFault[] {
  if (storage.kind !== 'valkey') return []
  const faults: CrossFault[] = []
  const { url, certFile, keyFile } = storage.valkey
  if (url === '') {
    const fix = 'is needed with storage.kind valkey: valkey://host:6379/0'
    faults.push({ paths: ['storage.valkey.url', 'storage.kind'], fix })
  }
  if ((certFile === '') !== (keyFile === '')) {
    const names = ['storage.valkey.certFile', 'storage.valkey.keyFile'] as const
    const [missing, given] = certFile === '' ? names : ([names[1], names[0]] as const)
    faults.push({ paths: [missing, given], fix: `is needed for ${given}` })
  }
  return faults
}

function checkWebhooks({ webhooks }: Config): CrossFault[] {
  const isUnsigned = webhooks.items.some(({ secretFile = '' }) => secretFile === '')
  if (!isUnsigned || webhooks.secret !== '') return []
  const fix =
    'is needed for webhooks without a secretFile: receivers must be able to tell who calls'
  return [{ paths: ['webhooks.secret', 'webhooks.items'], fix }]
}

function checkCaches(config: Config): CrossFault[] {
  const { caches, limits } = config
  const faults: CrossFault[] = []
  const names = caches.items.map((cache) => cache.name)
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  for (const name of repeated) {
    faults.push({ paths: ['caches.items'], fix: `has the cache ${name} more than once` })
  }
  if (caches.items.length > limits.cachesMax) {
    faults.push({
      paths: ['limits.cachesMax', 'caches.items'],
      fix: `must be at least ${String(caches.items.length)}: caches.items has as many`,
    })
  }
  faults.push(...checkCacheSettings(config, 'caches.defaults', caches.defaults))
  caches.items.forEach((cache, index) => {
    faults.push(...checkCacheSettings(config, `caches.items[${String(index)}]`, cache))
  })
  return faults
}

function checkCacheSettings(
  { hotStore, limits }: Config,
  place: string,
  settings: Partial<DeclaredCache>,
): CrossFault[] {
  const faults: CrossFault[] = []
  const { defaultTtlSeconds, itemSizeBytesMax } = settings
  const refuse = (name: string, other: string, bound: number): void => {
    // A declared cache's settings all come from `caches.items`, which is what has a source.
    const path = `${place}.${name}`
    const fix = `must be at most ${other}, which is ${String(bound)}`
    faults.push({ paths: [path, other], fix })
  }
  if (defaultTtlSeconds !== undefined && defaultTtlSeconds > limits.ttlSecondsMax) {
    refuse('defaultTtlSeconds', 'limits.ttlSecondsMax', limits.ttlSecondsMax)
  }
  const longest = Math.max(0, ...(settings.ttlRules ?? []).map(secondsOfRule))
  if (longest > limits.ttlSecondsMax) {
    refuse('ttlRules', 'limits.ttlSecondsMax', limits.ttlSecondsMax)
  }
  if (itemSizeBytesMax === undefined) return faults
  if (hotStore.sizeBytesMax !== 0 && itemSizeBytesMax > hotStore.sizeBytesMax) {
    refuse('itemSizeBytesMax', 'hotStore.sizeBytesMax', hotStore.sizeBytesMax)
  }
  if (itemSizeBytesMax > limits.uploadsInFlightBytesMax) {
    refuse('itemSizeBytesMax', 'limits.uploadsInFlightBytesMax', limits.uploadsInFlightBytesMax)
  }
  return faults
}

/** Of `<key pattern>=<seconds>`. */
function secondsOfRule(rule: string): number {
  return Number(rule.slice(rule.lastIndexOf('=') + 1))
}
