/** Connection, TLS and credentials: from what came back to findings. */

import type { Answer, Outcome } from './answer.ts'
import { cacheControlOf, describeOutcome, isStatus, quote, textOf } from './answer.ts'
import type { Cdn } from './cdn.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { Finding } from './finding.ts'
import { parsePlaylist } from '../../hls/playlist.ts'

const DAY_MS = 86_400_000
const CERTIFICATE_DAYS_MIN = 14

/** @param outcome  Of the first request that was answered, or of the last one that was not. */
export function judgeConnection(outcome: Outcome, nowMs: number): Finding {
  const id = 'reach.connection'
  if (outcome.kind === 'failure') {
    const { seen, change } = FAILURES[outcome.code] ?? {
      seen: `the connection failed (${outcome.code})`,
      change: 'Check the URL, the network between, and whether a server listens there.',
    }
    return breaks(id, seen, change)
  }
  const { tls } = outcome
  if (tls === undefined) return ok(id, 'HTTP/1.1 without TLS')
  const { protocol, certificateExpiresAtMs } = tls
  if (certificateExpiresAtMs === undefined) return ok(id, protocol)
  const days = Math.floor((certificateExpiresAtMs - nowMs) / DAY_MS)
  const seen = `${protocol}, certificate valid for ${days} more days`
  return days >= CERTIFICATE_DAYS_MIN
    ? ok(id, seen)
    : warning(id, seen, 'Renew the certificate: players refuse the connection after that.')
}

interface FailureWords {
  readonly seen: string
  readonly change: string
}

const UNKNOWN_AUTHORITY: FailureWords = {
  seen: 'the certificate is signed by nobody this machine trusts',
  change:
    'Players refuse it, too. Use a certificate of a public authority with its whole chain; for an authority of your own set NODE_EXTRA_CA_CERTS for this command.',
}

const FAILURES: Readonly<Record<string, FailureWords>> = {
  ENOTFOUND: { seen: 'the host name is not known', change: 'Check the URL and the DNS record.' },
  EAI_AGAIN: { seen: 'DNS does not answer', change: 'Check this machine’s network and DNS.' },
  ECONNREFUSED: {
    seen: 'the connection was refused',
    change:
      'Nothing listens there. Start the origin, check the port, and if it runs on another machine, its host setting: the default listens on that machine alone.',
  },
  ECONNRESET: {
    seen: 'the connection was reset',
    change: 'A firewall, a balancer or a TLS port asked without https may be between.',
  },
  TIMEOUT: {
    seen: 'no answer in time',
    change: 'Check firewalls and security groups, and whether the origin behind the CDN answers.',
  },
  CERT_HAS_EXPIRED: { seen: 'the certificate has expired', change: 'Renew it.' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    seen: 'the certificate is for another host name',
    change: 'Use the name of the certificate, or one that lists this name.',
  },
  EPROTO: {
    seen: 'no TLS there',
    change: 'The port speaks plain HTTP, or a TLS version that is too old. Try http://.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  HPE_INVALID_CONSTANT: {
    seen: 'the answer is not HTTP',
    change: 'Another kind of server listens there, or the port speaks TLS: try https://.',
  },
  REDIRECTS: { seen: 'it redirects again and again', change: 'Use the URL it should lead to.' },
}

/** Whether connections are kept: every new one costs a player a round trip or two. */
export function judgeKeepAlive(answers: readonly Answer[]): Finding {
  const id = 'reach.keep-alive'
  if (answers.length < 3) return unchecked(id, 'too few answers')
  const closing = answers.filter(({ headers }) => /\bclose\b/i.test(headers['connection'] ?? ''))
  const reusedCount = answers.filter(({ isReused }) => isReused).length
  const seen = `${reusedCount} of ${answers.length} requests on a kept connection`
  // A body that is cut, and another host, need a new one: not all can be reused.
  if (closing.length === 0 && reusedCount >= answers.length / 3) return ok(id, seen)
  return warning(
    id,
    closing.length > 0 ? `${closing.length} answers with Connection: close` : seen,
    'Let connections live: behind nginx "proxy_http_version 1.1" and an empty Connection header; on an origin an idle time above the CDN’s (120 s). An origin that is stopping closes, too.',
  )
}

export interface AccessFacts {
  readonly hasKey: boolean
  readonly header: Outcome | undefined
  readonly query: Outcome | undefined
  readonly anonymous: Outcome
  readonly cdn: Cdn
}

/** Which credential opens the playlist. The report's first question. */
export function judgeAccess(facts: AccessFacts): readonly Finding[] {
  return [judgeHeader(facts), judgeQuery(facts), judgeAnonymous(facts)]
}

/** Whether an answer is a playlist that a player could begin with. */
export function opens(outcome: Outcome | undefined): outcome is Answer {
  return isStatus(outcome, 200) && parsePlaylist(textOf(outcome)) !== undefined
}

function judgeHeader({ hasKey, header, query, anonymous }: AccessFacts): Finding {
  const id = 'access.header'
  if (!hasKey || header === undefined) return unchecked(id, 'no key was given')
  if (header.kind === 'answer' && header.status === 200) return ok(id, 'Authorization: <key> opens')
  const seen = `Authorization: <key> is answered ${describeRefusal(header)}`
  const change = refusalAdvice(header)
  return opens(query) || opens(anonymous) ? warning(id, seen, change) : breaks(id, seen, change)
}

function judgeQuery({ hasKey, header, query, anonymous, cdn }: AccessFacts): Finding {
  const id = 'access.query'
  if (!hasKey || query === undefined) return unchecked(id, 'no key was given')
  if (query.kind === 'answer' && query.status === 200) return ok(id, '?token=<key> opens')
  const seen = `?token=<key> is answered ${describeRefusal(query)}`
  if (opens(header) || opens(anonymous)) {
    const change = isStatus(query, 400)
      ? 'A CDN that adds its own key and passes token= on sends two: profile momento refuses that. Do not forward the query, or set emulation.bothCredentials to either.'
      : cdn === 'none'
        ? refusalAdvice(query)
        : 'Fine while viewers need no key of their own; otherwise let the CDN forward the query and keep it in the cache key.'
    return warning(id, seen, change)
  }
  return breaks(id, seen, refusalAdvice(query))
}

function judgeAnonymous({ hasKey, anonymous, cdn }: AccessFacts): Finding {
  const id = 'access.anonymous'
  if (anonymous.kind === 'failure') return unchecked(id, describeOutcome(anonymous))
  if (anonymous.status === 200) {
    if (cdn !== 'none') return ok(id, 'opens without a key: the CDN adds one, or none is needed')
    if (!hasKey) return ok(id, 'opens without a key')
    return warning(
      id,
      'opens without a key',
      'Whoever knows the URL can watch. On Headwater that is the cache’s anonymous setting, or profile dev for clients on the same machine.',
    )
  }
  const status = anonymous.status
  if (status !== 401 && status !== 403) {
    const isKnownElsewhere = status === 404 && hasKey
    if (isKnownElsewhere) return ok(id, '404 without a key')
    return breaks(id, `answered ${describeRefusal(anonymous)}`, refusalAdvice(anonymous))
  }
  if (!hasKey) {
    return breaks(
      id,
      `answered ${describeRefusal(anonymous)}`,
      'Give a player’s key with --key-file FILE or HEADWATER_DOCTOR_KEY. If viewers come without one, let the CDN add it: a custom header Authorization on the origin.',
    )
  }
  const { directives, maxAgeSeconds } = cacheControlOf(anonymous)
  if (directives.has('no-store') || maxAgeSeconds === undefined || maxAgeSeconds === 0) {
    return ok(id, `${status} without a key`)
  }
  return warning(
    id,
    `${status} without a key, and may be cached for ${maxAgeSeconds} s`,
    'Send Cache-Control: no-store with 401 and 403, so that a cache does not hand a refusal to readers with a key.',
  )
}

function describeRefusal(outcome: Outcome): string {
  if (outcome.kind === 'failure') return describeOutcome(outcome)
  const reason = outcome.headers['x-headwater-reason']
  if (outcome.status === 200) return '200, but not with a playlist'
  return `${outcome.status}${reason === undefined ? '' : ` (${quote(reason, 40)})`}`
}

/** What each status of a playlist usually means. */
function refusalAdvice(outcome: Outcome): string {
  if (outcome.kind === 'failure') return 'Ask again; the network or the server may be overloaded.'
  switch (outcome.status) {
    case 200:
      return 'The URL should name the playlist itself: …/cache/<cache>/playlist.m3u8.'
    case 400:
      return 'The server does not understand the URL. Behind a CDN check its origin path: /cache/<cache>.'
    case 401:
      return 'The server does not know the key: made elsewhere, cut short, expired or revoked. `headwater key list` shows which keys exist.'
    case 403:
      return 'The key is for another cache, prefix or role; or the CDN itself refuses (signed URLs, WAF, geography).'
    case 404:
      return 'Nothing is stored there: the encoder does not push, pushes elsewhere, or its TTL has passed. Behind a CDN check its origin path: /cache/<cache>.'
    default:
      return outcome.status >= 500
        ? 'The CDN cannot reach its origin, or the origin is overloaded: ask the origin directly to know which.'
        : 'Ask the origin directly, to know whether it or something in front of it says so.'
  }
}
