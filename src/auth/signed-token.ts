/**
 * Signs and opens JWTs for one purpose at a time, by jose. Claims are checked by whoever asks: time
 * comes from the clock, which jose does not know.
 */

import { CompactSign, compactVerify, errors } from 'jose'
import { TOKEN_PURPOSES } from './signing-keys.ts'
import type { SigningKeys, TokenPurpose } from './signing-keys.ts'

export type Claims = Readonly<Record<string, unknown>>

const TOKEN_SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** The compact JWT of some claims. */
export async function signToken(
  keys: SigningKeys,
  purpose: TokenPurpose,
  claims: Claims,
): Promise<string> {
  const { algorithm, type } = TOKEN_PURPOSES[purpose]
  return new CompactSign(Buffer.from(JSON.stringify(claims), 'utf8'))
    .setProtectedHeader({ alg: algorithm, typ: type })
    .sign(await keys.get(purpose))
}

/**
 * The claims of a token, if it was signed for this purpose by this secret; else `undefined`. `alg`
 * and `typ` are pinned. One HMAC, 21 us; a bad signature costs an Error of jose's on top.
 */
export async function openToken(
  keys: SigningKeys,
  purpose: TokenPurpose,
  token: string,
): Promise<Claims | undefined> {
  if (!isTokenFor(purpose, token)) return undefined
  try {
    const { payload } = await compactVerify(token, await keys.get(purpose), {
      algorithms: [TOKEN_PURPOSES[purpose].algorithm],
    })
    return parseClaims(Buffer.from(payload).toString('utf8'))
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/**
 * Whether a text is a JWT with exactly the header that {@link signToken} writes for this purpose.
 * Compared as text: another `alg`, another `typ` or one more member, and nothing is verified.
 */
export function isTokenFor(purpose: TokenPurpose, text: string): boolean {
  return text.startsWith(HEADERS[purpose]) && TOKEN_SHAPE.test(text)
}

/** What a token says of itself. Proves nothing: only for choosing how to treat it. */
export function claimsWithoutTrust(token: string): Claims | undefined {
  const start = token.indexOf('.') + 1
  const payload = token.slice(start, token.indexOf('.', start))
  return parseClaims(Buffer.from(payload, 'base64url').toString('utf8'))
}

const HEADERS = Object.fromEntries(
  Object.entries(TOKEN_PURPOSES).map(([purpose, { algorithm, type }]) => [
    purpose,
    `${Buffer.from(JSON.stringify({ alg: algorithm, typ: type })).toString('base64url')}.`,
  ]),
  // `fromEntries` forgets which names it was given.
) as Record<TokenPurpose, string>

function parseClaims(json: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(json)
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? // An object that JSON.parse made is a record of unknowns.
        (claims as Claims)
      : undefined
  } catch {
    // The parser's words quote the token: they go no further.
    return undefined
  }
}
