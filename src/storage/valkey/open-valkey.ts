/** From a URL to a link that is known to work, or to all the reasons why it does not. */

import type { Clock } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { createClient } from './valkey-client.ts'
import type { ValkeyClientOptions, ValkeyTlsFiles } from './valkey-client.ts'
import { explainNoConnection } from './valkey-connection-words.ts'
import { claimDatabase, examineValkey, judgeInfo } from './valkey-checks.ts'
import type { ValkeyFindings } from './valkey-checks.ts'
import { DOCUMENT_PREFIX } from './valkey-documents.ts'
import { OBJECT_PREFIX, UPLOAD_PREFIX } from './valkey-keys.ts'
import { ValkeyLink } from './valkey-link.ts'
import { formatValkeyAddress, parseValkeyUrl } from './valkey-url.ts'
import type { ValkeyAddress } from './valkey-url.ts'

export interface OpenValkeyOptions {
  readonly url: string
  readonly timeoutMs: number
  /** Instead of what the URL says; '' and absent: as it says. */
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  readonly tlsFiles?: ValkeyTlsFiles
  readonly clock: Clock
  readonly log: Logger
}

/** How long a start waits for a server that is not there yet. */
const START_MS = 10_000
const RETRY_MS = 100
/** By way of Sentinels and with TLS; a short limit for requests is not meant for this. */
const CONNECT_MS = 2000

/** @throws HeadwaterError `HW_START_VALKEY`. */
export async function openValkey(options: OpenValkeyOptions): Promise<ValkeyLink> {
  const { clock, log } = options
  const address = addressOf(options)
  if (address === undefined) {
    throw new HeadwaterError('HW_START_VALKEY', 'storage.valkey.url is not a URL of Valkey.', {
      detail:
        'valkey://user:password@host:6379/0; valkeys:// for TLS; several hosts with commas; ?sentinel=<name> when the hosts are Sentinels. Special characters of a password are percent-encoded.',
    })
  }
  const shown = formatValkeyAddress(address)
  const { timeoutMs, tlsFiles = {} } = options
  const clientOptions = { address, timeoutMs, tlsFiles }
  const { isCluster, problems, warnings } = await examine(clientOptions, clock)
  for (const warning of warnings) log.warn({ valkey: shown, warning }, 'Valkey may lose objects')
  if (problems.length > 0) throw unusable(address, problems)
  const link = new ValkeyLink({
    ...{ ...clientOptions, clock, log },
    isCluster,
    prefixes: [OBJECT_PREFIX, UPLOAD_PREFIX, DOCUMENT_PREFIX],
  })
  try {
    await inTime(link.tracking(), clock)
    const others = isCluster ? await examineOthers(link) : []
    if (others.length > 0) throw unusable(address, others)
    const problem = await claim(link)
    if (problem !== undefined) throw unusable(address, [problem])
    log.info({ valkey: shown, isCluster }, 'objects in Valkey')
    return link
  } catch (error) {
    await link.close()
    if (error instanceof HeadwaterError && error.code === 'HW_START_VALKEY') throw error
    const { message, detail = '' } =
      error instanceof HeadwaterError ? error : { message: String(error) }
    throw unusable(address, [`${message} ${detail}`])
  }
}

function addressOf(options: OpenValkeyOptions): ValkeyAddress | undefined {
  const address = parseValkeyUrl(options.url)
  if (address?.sentinel === undefined) return address
  const { sentinelUsername = '', sentinelPassword = '' } = options
  const { sentinel } = address
  return {
    ...address,
    sentinel: {
      ...sentinel,
      username: sentinelUsername || sentinel.username,
      password: sentinelPassword || sentinel.password,
    },
  }
}

/** Tries again for a while: servers of one machine or one deployment start together. */
async function examine(options: ValkeyClientOptions, clock: Clock): Promise<ValkeyFindings> {
  const startedAtMs = clock.monotonicMs()
  // Any host of a cluster will do, so each has its turn.
  for (let attempt = 0; ; attempt++) {
    const { hosts, sentinel } = options.address
    const host = hosts[attempt % hosts.length] ?? hosts[0]
    const address =
      sentinel === undefined ? { ...options.address, hosts: [host] as const } : options.address
    const client = createClient({ ...options, address })
    const reasons: string[] = []
    for (const event of ['error', 'sentinelError']) {
      client.on(event, (error: Error) => reasons.push(error.message))
    }
    try {
      await inTime(client.connect(), clock, Math.max(CONNECT_MS, options.timeoutMs))
      return await examineValkey(client, address)
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
      const { text, isFinal } = explainNoConnection(reasons, address)
      if (isFinal || clock.monotonicMs() - startedAtMs > START_MS) {
        throw unusable(options.address, [text])
      }
    } finally {
      client.disconnect()
    }
    await new Promise<void>((resolve) => clock.setTimer(resolve, RETRY_MS))
  }
}

/** In a cluster each primary has a version, a policy and a user's rights of its own. */
async function examineOthers(link: ValkeyLink): Promise<readonly string[]> {
  const problems = await link.ask((client) => {
    const primaries = 'nodes' in client ? client.nodes('master') : []
    return Promise.all(
      primaries.map(async (primary) => {
        const { host = '', port = 0 } = primary.options
        const { problems: found } = judgeInfo(await primary.info(), false)
        return found.map((problem) => `${host}:${port}: ${problem}`)
      }),
    )
  })
  return problems.flat()
}

function claim(link: ValkeyLink): Promise<string | undefined> {
  return claimDatabase(
    (name, ...args) => link.ask((client) => client.call(name, ...args)),
    async () => {
      const found = await link.ask(async (client) => {
        const nodes = 'nodes' in client ? client.nodes('master') : [client]
        return Promise.all(nodes.map((node) => node.randomkey()))
      })
      const names = found.filter((name) => name !== null)
      return names.find((name) => !name.startsWith('hw:')) ?? names[0]
    },
  )
}

function inTime<Result>(
  result: Promise<Result>,
  clock: Clock,
  limitMs = START_MS,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(new Error('no answer in time')), limitMs)
    result.then(resolve, reject).finally(() => clock.clearTimer(timer))
  })
}

function unusable(address: ValkeyAddress, problems: readonly string[]): HeadwaterError {
  return new HeadwaterError(
    'HW_START_VALKEY',
    `${formatValkeyAddress(address)} cannot be used: ${problems.join('; ')}.`,
    { detail: 'See docs/valkey.md. Nothing was changed.' },
  )
}
