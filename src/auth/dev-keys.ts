/**
 * The three fixed keys of test rigs. They are public: they sign nothing, are never stored, and are
 * accepted only where the operator asked for them.
 */

import type { Grant } from './grant.ts'

/** Everything, but only from this machine. */
export const DEV_SUPER_USER_KEY = 'dev-super-user'
/** Reads and writes every cache. */
export const DEV_ENCODER_KEY = 'dev-encoder'
/** Reads every cache. */
export const DEV_PLAYER_KEY = 'dev-player'

/** What a dev key gives; `loopbackOnly`: refused to every other client address. */
export interface DevKey {
  /** In the form that the authenticator answers with, so that it builds nothing per request. */
  readonly granted: { readonly kind: 'granted'; readonly grant: Grant }
  readonly loopbackOnly: boolean
}

/** By credential. The key ids are the credentials themselves: nothing about them is secret. */
export const DEV_KEYS: ReadonlyMap<string, DevKey> = new Map([
  [DEV_SUPER_USER_KEY, devKey(DEV_SUPER_USER_KEY, undefined)],
  [DEV_ENCODER_KEY, devKey(DEV_ENCODER_KEY, 'readwrite')],
  [DEV_PLAYER_KEY, devKey(DEV_PLAYER_KEY, 'readonly')],
])

function devKey(keyId: string, role: 'readwrite' | 'readonly' | undefined): DevKey {
  const superUser = role === undefined
  const grant: Grant = {
    keyId,
    superUser,
    permissions: superUser ? [] : [{ role, cacheName: '*', items: { kind: 'all' } }],
    admin: undefined,
    expiresAtMs: undefined,
  }
  return { granted: { kind: 'granted', grant }, loopbackOnly: superUser }
}
