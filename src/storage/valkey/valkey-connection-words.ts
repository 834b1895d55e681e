/**
 * Why there is no connection, for people: what clients and OpenSSL say, and what to set. Nothing that
 * was said is trusted to be short, or free of what it quotes.
 */

import type { ValkeyAddress } from './valkey-url.ts'

export interface NoConnection {
  readonly text: string
  /** Asking again changes nothing. */
  readonly isFinal: boolean
}

interface Rule {
  readonly pattern: RegExp
  readonly isFinal: boolean
  /** What to say behind what was said. */
  readonly advise: (address: ValkeyAddress, isOfSentinel: boolean) => string
}

const REASON_LENGTH_MAX = 160

const RULES: readonly Rule[] = [
  {
    pattern: /WRONGPASS|invalid (?:username-)?password/i,
    isFinal: true,
    advise: (_address, isOfSentinel) =>
      isOfSentinel
        ? 'the Sentinels have another user or password: set storage.valkey.sentinelPassword (and sentinelUsername)'
        : 'the user or the password is wrong: correct it in storage.valkey.url; special characters are percent-encoded',
  },
  {
    pattern: /NOAUTH|Authentication required/i,
    isFinal: true,
    advise: (_address, isOfSentinel) =>
      isOfSentinel
        ? 'the Sentinels want a password of their own: set storage.valkey.sentinelPassword (and sentinelUsername)'
        : 'it wants a password: valkey://user:password@host',
  },
  {
    pattern: /altname|does not match certificate/i,
    isFinal: true,
    advise: () =>
      'its certificate is for other names than the one it is reached by: connect by a name of the certificate, or issue one for this name (Sentinels and clusters announce addresses: those, too)',
  },
  {
    pattern: /certificate has expired/i,
    isFinal: true,
    advise: () => 'its certificate has expired: renew it, or set the clock of this machine',
  },
  {
    pattern: /alert (?:certificate required|bad certificate|unknown ca|handshake failure)/i,
    isFinal: true,
    advise: () =>
      'it wants a client certificate that its authorities signed: set storage.valkey.certFile and keyFile, or tls-auth-clients no in Valkey',
  },
  {
    pattern: /self.signed|certificate/i,
    isFinal: true,
    advise: () =>
      'no authority that is known here signed its certificate: name the right one with storage.valkey.caFile',
  },
  {
    pattern: /wrong version number|packet length too long|unexpected message/i,
    isFinal: true,
    advise: () =>
      'it does not speak TLS on this port: name its tls-port, or write valkey:// for a connection without TLS',
  },
  {
    pattern: /No such master|invalid reply: null/,
    isFinal: true,
    advise: ({ sentinel }) =>
      `the Sentinels know no primary called ${sentinel?.name ?? ''}: name the one of "sentinel monitor"`,
  },
  {
    pattern: /unknown command .{0,2}sentinel/i,
    isFinal: true,
    advise: () =>
      'it is no Sentinel: name the Sentinels (port 26379), or leave ?sentinel= out of the URL',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    isFinal: false,
    advise: () => 'the name is not known: correct the host in storage.valkey.url',
  },
  {
    pattern: /ECONNREFUSED/,
    isFinal: false,
    advise: () => 'nothing listens there: start it, or correct host and port in storage.valkey.url',
  },
  {
    pattern: /Connection is closed|ECONNRESET|socket disconnected/,
    isFinal: false,
    advise: ({ tls }) =>
      tls
        ? 'it hung up: it may not speak TLS on this port, or want a client certificate (storage.valkey.certFile)'
        : 'it hung up: if it speaks TLS on this port, write valkeys://',
  },
  {
    pattern: /no answer in time|ETIMEDOUT|timed out/i,
    isFinal: false,
    advise: ({ tls }) =>
      tls
        ? 'is it reachable from here, and is this its tls-port? Without TLS, write valkey://'
        : 'is it reachable from here, is this its port, and is storage.timeoutMs long enough?',
  },
]

/**
 * @param reasons  Messages of one attempt, as they came. The first one that is known tells more than
 *   the last one, which is often that the connection was closed.
 */
export function explainNoConnection(
  reasons: readonly string[],
  address: ValkeyAddress,
): NoConnection {
  for (const { pattern, isFinal, advise } of RULES) {
    const reason = reasons.find((text) => pattern.test(text))
    if (reason === undefined) continue
    const isOfSentinel = /sentinel/i.test(reason)
    return { text: `no connection: ${shorten(reason)}: ${advise(address, isOfSentinel)}`, isFinal }
  }
  return { text: `no connection: ${shorten(reasons[0] ?? 'no reason was given')}`, isFinal: false }
}

function shorten(reason: string): string {
  return reason
    .replace(
      /^All sentinels are unreachable\. Retrying from scratch after \d+ms\.\s*/,
      'Sentinels: ',
    )
    .replace(/[\s:]+$/, '')
    .slice(0, REASON_LENGTH_MAX)
}
