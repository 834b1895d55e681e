/**
 * Before the first object: whether this Valkey can keep what is promised. Every problem says what it
 * is, why it matters and what to set.
 */

import type { Redis } from 'ioredis'
import { LAYOUT, MARKER_NAME } from './valkey-keys.ts'
import type { ValkeyAddress } from './valkey-url.ts'

export interface ValkeyFindings {
  readonly isCluster: boolean
  /** Reasons not to start. */
  readonly problems: readonly string[]
  /** What an operator should know. */
  readonly warnings: readonly string[]
}

const MAJOR_VERSION_MIN = 7
const CHECK_NAME = 'hw:u:{00}check'

/** Every command that is used, on names and channels like those that are used. */
export const USED_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['set', CHECK_NAME, 'check', 'PX', '1000'],
  ['get', CHECK_NAME],
  ['exists', CHECK_NAME],
  ['pexpire', CHECK_NAME, '1000'],
  ['unlink', CHECK_NAME],
  ['hset', CHECK_NAME, 'field', '1'],
  ['hget', CHECK_NAME, 'field'],
  ['hmget', CHECK_NAME, 'field'],
  ['hgetall', CHECK_NAME],
  ['hincrby', CHECK_NAME, 'field', '1'],
  ['hdel', CHECK_NAME, 'field'],
  ['zadd', CHECK_NAME, '0', 'member'],
  ['zscore', CHECK_NAME, 'member'],
  ['zrangebylex', CHECK_NAME, '-', '+'],
  ['zrangebyscore', CHECK_NAME, '0', '0'],
  ['zrevrangebyscore', CHECK_NAME, '0', '0'],
  ['zrevrangebyscore', CHECK_NAME, '0', '0'],
  ['zrem', CHECK_NAME, 'member'],
  ['time'],
  ['ping'],
  ['randomkey'],
  ['eval', 'return 1', '1', CHECK_NAME],
  ['evalsha', '0'.repeat(40), '1', CHECK_NAME],
  ['multi'],
  ['exec'],
  ['client', 'id'],
  ['client', 'info'],
  ['client', 'tracking', 'off'],
  // Each kind of name, to read and to write.
  ...[...'acdiopsux'].map((kind) => ['unlink', `hw:${kind}:{00}check`] as const),
  ['unlink', 'hw:check'],
  // Last: it takes no other command from here on.
  ['subscribe', '__redis__:invalidate'],
]

const ACL_HINT =
  '~hw:* resetchannels &__redis__:invalidate -@all +@read +@write +@scripting +@transaction +@connection +@pubsub +client +info +time'

/**
 * @param client  Connected; for this alone, since it ends as a subscriber.
 */
export async function examineValkey(
  client: Redis,
  address: Pick<ValkeyAddress, 'database' | 'sentinel'>,
): Promise<ValkeyFindings> {
  const problems: string[] = []
  const warnings: string[] = []
  let info: string
  try {
    info = await client.info()
  } catch (error) {
    problems.push(
      `INFO is refused (${messageOf(error)}): version, role and limits are read there: allow it: ${ACL_HINT}`,
    )
    return { isCluster: false, problems, warnings }
  }
  const { isCluster, isTooOld, ...judged } = judgeInfo(info, address.sentinel !== undefined)
  problems.push(...judged.problems)
  warnings.push(...judged.warnings)
  // What else an old one cannot do is of no interest.
  if (isTooOld) return { isCluster, problems, warnings }
  if (isCluster) await examineCluster(client, problems, warnings)
  const missing = await missingRights(client, address.database, problems)
  if (missing.length > 0) {
    problems.push(
      `this user may not run ${missing.join(', ')} on hw:*: without, objects are not stored or changes not heard of: give it the rights, for example ${ACL_HINT}${isCluster ? ' +cluster' : ''}`,
    )
  }
  return { isCluster, problems, warnings }
}

/**
 * What `INFO` tells of one server.
 *
 * @param hasSentinels  Sentinels named it, so a failover is expected to be possible.
 */
export function judgeInfo(
  info: string,
  hasSentinels: boolean,
): ValkeyFindings & { readonly isTooOld: boolean } {
  const problems: string[] = []
  const warnings: string[] = []
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const isCluster = field('cluster_enabled') === '1'
  const version = field('valkey_version') || field('redis_version')
  // Whatever does not say it is nothing that is known here.
  const isTooOld = !(Number.parseInt(version, 10) >= MAJOR_VERSION_MIN)
  if (isTooOld) {
    problems.push(
      `it is version ${version || 'unknown'}: scripts and invalidation as they are needed exist from Redis ${MAJOR_VERSION_MIN} and in every Valkey: upgrade it`,
    )
    return { isCluster, isTooOld, problems, warnings }
  }
  const policy = field('maxmemory_policy')
  if (field('maxmemory') !== '0' && policy !== 'noeviction') {
    problems.push(
      `its eviction policy is ${policy}: it would drop live segments when memory is short, instead of refusing a write: set maxmemory-policy to noeviction`,
    )
  } else if (field('maxmemory') === '0') {
    warnings.push(
      'it has no bound on its memory: when the machine has none left, the system ends it with all objects, instead of a write being refused: set maxmemory (and maxmemory-policy noeviction)',
    )
  }
  if (field('role') === 'slave') {
    problems.push('it is a replica, which takes no writes: name the primary, or its Sentinels')
  }
  if (hasSentinels && field('role') === 'master' && field('connected_slaves') === '0') {
    warnings.push(
      'the primary has no replica that follows it: when it is lost, so are its objects, and the Sentinels have nothing to fail over to: add a replica (replicaof)',
    )
  }
  return { isCluster, isTooOld, problems, warnings }
}

/**
 * Says whose database it is, if nobody's; a problem when it is somebody else's.
 *
 * @param run  A command, on whatever server it belongs to.
 * @param randomKey  A name in the database; `undefined` when it is empty.
 */
export async function claimDatabase(
  run: (...command: readonly [string, ...string[]]) => Promise<unknown>,
  randomKey: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const marker = await run('get', MARKER_NAME)
  if (marker === LAYOUT) return undefined
  if (typeof marker === 'string') {
    return `its database holds objects in a layout that this version does not know (${marker}): give it a version that does, or another database`
  }
  const name = await randomKey()
  if (name !== undefined && !name.startsWith('hw:')) {
    return `its database is in use by something else (it holds ${JSON.stringify(name.slice(0, 40))}), which may flush it or fill its memory: name an empty database in the URL (…/1), or a server for Headwater alone`
  }
  await run('set', MARKER_NAME, LAYOUT, 'NX')
  return undefined
}

async function examineCluster(
  client: Redis,
  problems: string[],
  warnings: string[],
): Promise<void> {
  try {
    const state = String(await client.cluster('INFO'))
    if (!/^cluster_state:ok/m.test(state)) {
      problems.push(
        'the cluster is not whole (cluster_state is not ok): some slots have no primary',
      )
    }
    const nodes = String(await client.cluster('NODES'))
      .split('\n')
      .map((line) => line.split(' '))
    const primaries = nodes.filter(([, , flags = '']) => /\bmaster\b/.test(flags))
    const replicated = new Set(nodes.map(([, , , primaryId]) => primaryId))
    const lonely = primaries.filter(([id]) => !replicated.has(id ?? ''))
    if (lonely.length > 0) {
      const addresses = lonely.map(([, address = '']) => address.replace(/@.*/, '')).join(', ')
      warnings.push(
        `${lonely.length} of the cluster's primaries have no replica (${addresses}): when one is lost, its objects are, and its slots take no writes: add replicas`,
      )
    }
  } catch (error) {
    problems.push(`CLUSTER is refused (${messageOf(error)}): allow it: ${ACL_HINT} +cluster`)
  }
}

async function missingRights(
  client: Redis,
  database: number,
  problems: string[],
): Promise<readonly string[]> {
  const missing = new Set<string>()
  for (const [name, ...args] of USED_COMMANDS) {
    try {
      const reply = await client.call(name, ...args)
      if (name === 'client' && args[0] === 'info') checkDatabase(String(reply), database, problems)
    } catch (error) {
      // Of another slot, of another type: it may be run, which was the question.
      if (!messageOf(error).includes('NOPERM')) continue
      const isSubcommand = name === 'client'
      missing.add((isSubcommand ? `${name} ${args[0] ?? ''}` : name).toUpperCase())
    }
  }
  return [...missing]
}

/** A database that cannot be selected leaves the connection on number 0, whosever that is. */
function checkDatabase(clientInfo: string, database: number, problems: string[]): void {
  const selected = Number(/\bdb=(\d+)/.exec(clientInfo)?.[1] ?? 0)
  if (selected === database) return
  problems.push(
    `it has no database ${database} (a cluster has 0 alone): name one that exists in the URL, or raise databases in Valkey`,
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 120) : String(error)
}
