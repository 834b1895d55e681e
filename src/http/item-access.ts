/**
 * Who may do what to an item: credentials out of a request, through the authenticator, to a
 * decision in the documented order: credential 401, form of key and TTL 400, permission 403.
 */

import type { Authenticator, Verified } from '../auth/authenticator.ts'
import type { ClientAddresses } from '../auth/client-address.ts'
import { isLoopback } from '../auth/client-address.ts'
import { credentialFromAuthorization } from '../auth/credential.ts'
import { permits } from '../auth/grant.ts'
import type { Grant, Operation } from '../auth/grant.ts'
import type { CacheRegistry } from '../origin/caches.ts'
import type { ItemRequest } from '../wire/item-exchange.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import type { ItemTarget } from '../wire/target.ts'
import { isLoopbackHost } from './hosts.ts'

/** A request that may go on, and by what right. */
export interface Allowed {
  readonly kind: 'allowed'
  /** `undefined` for who needs none. */
  readonly grant: Grant | undefined
  /** The credential, when it was `?token=` that granted; '' otherwise. */
  readonly queryCredential: string
}

export type Decision =
  | Allowed
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly retryAfterSeconds: number
      /** Of a key that is valid and not enough, or whose request has another fault. */
      readonly keyId?: string
    }

export interface ItemAccessOptions {
  readonly authenticator: Authenticator
  readonly caches: CacheRegistry
  readonly clientAddresses: ClientAddresses
  readonly bothCredentials: 'either' | 'refuse'
  readonly loopbackWithoutKey: boolean
}

export interface AccessQuestion {
  readonly request: ItemRequest
  readonly target: ItemTarget
  readonly operation: Operation
  /** What is wrong with the form of the request, judged after the credential. */
  readonly formProblem: RefusalReason | undefined
}

/** What a client on this machine may do in the `dev` profile: every item, no admin API. */
const LOOPBACK_GRANT: Grant = {
  keyId: 'loopback',
  superUser: false,
  permissions: [{ role: 'readwrite', cacheName: '*', items: { kind: 'all' } }],
  admin: undefined,
  expiresAtMs: undefined,
}

const ANONYMOUS: Decision = { kind: 'allowed', grant: undefined, queryCredential: '' }

export class ItemAccess {
  readonly #options: ItemAccessOptions

  constructor(options: ItemAccessOptions) {
    this.#options = options
  }

  /** The client's address: the rightmost untrusted hop. */
  clientAddress(request: ItemRequest): string {
    return this.#options.clientAddresses.of(
      request.socket.remoteAddress ?? '',
      headerText(request.headers['x-forwarded-for']),
    )
  }

  /** Synchronous for a verified credential that grants; a promise when one has to be verified. */
  decide(question: AccessQuestion): Decision | Promise<Decision> {
    const { request, target, operation, formProblem } = question
    const header = request.headers.authorization
    const first = header === undefined ? target.token : credentialFromAuthorization(header)
    if (first !== undefined && first !== '' && (header === undefined || target.token === '')) {
      const known = this.#options.authenticator.recall(first)
      if (known?.kind === 'granted') {
        if (formProblem !== undefined) return refuse(formProblem, known.grant)
        if (permits(known.grant, operation, target.cacheName, target.key)) {
          const queryCredential = header === undefined ? first : ''
          return { kind: 'allowed', grant: known.grant, queryCredential }
        }
      }
    }
    return this.#decideAll(question)
  }

  async #decideAll(question: AccessQuestion): Promise<Decision> {
    const { request, target, operation, formProblem } = question
    const header = request.headers.authorization
    const fromHeader = header === undefined ? undefined : credentialFromAuthorization(header)
    if (header !== undefined && header !== '' && target.token !== '') {
      if (this.#options.bothCredentials === 'refuse') return refuse('credential-both')
    }
    const anonymous = this.#anonymousMay(question)
    const grants: { readonly grant: Grant; readonly queryCredential: string }[] = []
    let refusal: Verified | undefined
    if (this.#isTrustedLoopback(request)) {
      grants.push({ grant: LOOPBACK_GRANT, queryCredential: '' })
    }
    for (const [credential, isQuery] of [
      [fromHeader, false],
      [target.token, true],
    ] as const) {
      if (credential === undefined || credential === '') continue
      const verified = await this.#verify(credential, request)
      if (verified.kind === 'granted') {
        grants.push({ grant: verified.grant, queryCredential: isQuery ? credential : '' })
        // Either is enough: a second credential is not even looked at when the first allows it.
        if (permitted(verified.grant, question)) break
      } else {
        refusal ??= verified
      }
    }
    if (grants.length === 0 && !anonymous) {
      if (refusal?.kind === 'refused') return refuseCredential(refusal)
      return refuse(
        header === undefined || header.trim() === ''
          ? 'credential-missing'
          : 'credential-malformed',
      )
    }
    if (formProblem !== undefined) return refuse(formProblem, grants[0]?.grant)
    const held = grants.find(({ grant }) => permits(grant, operation, target.cacheName, target.key))
    if (held !== undefined) return { kind: 'allowed', ...held }
    return anonymous ? ANONYMOUS : refuse('permission-denied', grants[0]?.grant)
  }

  async #verify(credential: string, request: ItemRequest): Promise<Verified> {
    const clientAddress = this.clientAddress(request)
    return (
      this.#options.authenticator.recall(credential) ??
      this.#options.authenticator.verify(credential, clientAddress)
    )
  }

  #anonymousMay({ target, operation }: AccessQuestion): boolean {
    if (target.problem !== undefined) return false
    const anonymous = this.#options.caches.get(target.cacheName)?.settings.anonymous
    return anonymous === 'readwrite' || (anonymous === 'read' && operation === 'read')
  }

  /**
   * A process on this machine, not a page in its browser: a foreign page can make the browser send
   * requests here, but not with our Host (DNS rebinding) nor without an Origin on writes.
   */
  #isTrustedLoopback(request: ItemRequest): boolean {
    if (!this.#options.loopbackWithoutKey) return false
    const { host, origin } = request.headers
    return (
      isLoopback(request.socket.remoteAddress ?? '') &&
      request.headers['x-forwarded-for'] === undefined &&
      host !== undefined &&
      isLoopbackHost(host) &&
      (origin === undefined || isLoopbackOrigin(origin)) &&
      isSameSite(headerText(request.headers['sec-fetch-site']))
    )
  }
}

function permitted(grant: Grant, { target, operation, formProblem }: AccessQuestion): boolean {
  return formProblem === undefined && permits(grant, operation, target.cacheName, target.key)
}

function refuse(reason: RefusalReason, grant?: Grant): Decision {
  return { kind: 'refused', reason, retryAfterSeconds: 0, keyId: grant?.keyId ?? '' }
}

function refuseCredential(verified: Extract<Verified, { kind: 'refused' }>): Decision {
  const { reason, retryAfterSeconds } = verified
  switch (reason) {
    case 'throttled':
      return { kind: 'refused', reason: 'credential-throttled', retryAfterSeconds }
    case 'expired':
      return refuse('credential-expired')
    case 'revoked':
      return refuse('credential-revoked')
    case 'malformed':
    case 'too-long':
      return refuse('credential-malformed')
    default:
      return refuse('credential-unknown')
  }
}

function isLoopbackOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin)
  return match?.[1] !== undefined && isLoopbackHost(match[1])
}

/** Browsers say so when a page of another site asks without CORS (an `<img>`, a `<video>`). */
function isSameSite(secFetchSite: string | undefined): boolean {
  return secFetchSite !== 'cross-site'
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
