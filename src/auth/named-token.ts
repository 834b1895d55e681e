/**
 * Whom a token of ours names, whatever it was signed for: for revoking what somebody presents. Says
 * nothing about whether it is still good.
 */

import { disposableKeyId, grantOfDisposable } from './disposable-claims.ts'
import { KEY_ID } from './key-record.ts'
import { openToken } from './signed-token.ts'
import type { SigningKeys, TokenPurpose } from './signing-keys.ts'

/** By these claims `jti` is the key's id. */
const KEY_PURPOSES: readonly TokenPurpose[] = ['data', 'refresh', 'v2']

/** The id to revoke; `undefined` when this secret did not sign it, or when it is a session, which is signed out. */
export async function nameOfToken(
  signingKeys: SigningKeys,
  token: string,
): Promise<string | undefined> {
  const disposable = await openToken(signingKeys, 'disposable', token)
  if (disposable !== undefined) {
    const grant = grantOfDisposable(disposable)
    return grant === undefined ? undefined : disposableKeyId(grant.disposable.tokenId)
  }
  for (const purpose of KEY_PURPOSES) {
    const claims = await openToken(signingKeys, purpose, token)
    if (claims === undefined) continue
    const { jti } = claims
    return typeof jti === 'string' && KEY_ID.test(jti) ? jti : undefined
  }
  return undefined
}
