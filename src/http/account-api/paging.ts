/** `limit` and `next_token` of Momento's account API. */

import { AccountProblem } from './account-problem.ts'

/** Source: Momento, API Keys HTTP API: between 1 and 100, inclusive; 100 when omitted. */
export const PAGE_ITEMS_MAX = 100

/** Longest token that is read; ours have under 60 chars. */
const TOKEN_CHARS_MAX = 256

/**
 * One value of a query.
 *
 * @throws AccountProblem 400 when it is there twice.
 */
export function readParameter(query: unknown, name: string): string | undefined {
  // Fastify's parser makes an object of strings and lists.
  const value = (query as Readonly<Record<string, unknown>>)[name]
  if (value === undefined || typeof value === 'string') return value
  throw new AccountProblem(400, `${name} is there more than once.`)
}

/** @throws AccountProblem 400 */
export function readLimit(query: unknown): number {
  const text = readParameter(query, 'limit')
  if (text === undefined) return PAGE_ITEMS_MAX
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= PAGE_ITEMS_MAX) return limit
  throw new AccountProblem(400, `limit must be an integer from 1 to ${String(PAGE_ITEMS_MAX)}.`)
}

/**
 * The place that a token of {@link formatNextToken} stands for; `undefined` without a token.
 *
 * @throws AccountProblem 400
 */
export function readNextToken(query: unknown): readonly string[] | undefined {
  const token = readParameter(query, 'next_token')
  if (token === undefined) return undefined
  const place = token.length > TOKEN_CHARS_MAX ? undefined : parsePlace(token)
  if (place !== undefined) return place
  throw invalidToken()
}

export function invalidToken(): AccountProblem {
  return new AccountProblem(400, 'next_token is not one that this API gave.')
}

export function formatNextToken(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place), 'utf8').toString('base64url')
}

function parsePlace(token: string): readonly string[] | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    const isPlace = Array.isArray(place) && place.every((part) => typeof part === 'string')
    return isPlace ? place : undefined
  } catch {
    // Not one of ours.
    return undefined
  }
}

/** A page and, when there is more, the token of the next. */
export function pageOf<Item>(
  items: readonly Item[],
  limit: number,
  placeOf: (item: Item) => readonly string[],
): { readonly page: readonly Item[]; readonly next: { readonly next_token?: string } } {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  const hasMore = items.length > limit && last !== undefined
  return { page, next: hasMore ? { next_token: formatNextToken(placeOf(last)) } : {} }
}
