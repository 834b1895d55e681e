/** Stores and checks the objects of a scenario before it is measured: wrong bytes are not fast. */

import type { BenchObject } from './objects.ts'

export interface ExchangeOptions {
  readonly url: string
  readonly apiKey: string
}

/** Long enough for a whole run. */
const TTL_SECONDS = 3600

export async function storeObjects(
  objects: readonly BenchObject[],
  { url, apiKey }: ExchangeOptions,
): Promise<void> {
  for (const { path, body } of objects) {
    const response = await fetch(`${url}${path}?ttl_seconds=${TTL_SECONDS}`, {
      method: 'PUT',
      headers: { authorization: apiKey },
      body,
    })
    await response.arrayBuffer()
    if (response.status !== 204) throw new Error(`PUT ${path} was answered ${response.status}`)
  }
}

/**
 * Reads every object and compares its bytes.
 *
 * @returns Their entity tags, in order.
 * @throws Error for an object that is not what it should be.
 */
export async function compareObjects(
  objects: readonly BenchObject[],
  { url, apiKey }: ExchangeOptions,
): Promise<readonly string[]> {
  const etags: string[] = []
  for (const { path, body } of objects) {
    const response = await fetch(`${url}${path}`, { headers: { authorization: apiKey } })
    const received = Buffer.from(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`GET ${path} was answered ${response.status}`)
    if (!received.equals(body)) throw new Error(`GET ${path} has other bytes than its PUT`)
    etags.push(response.headers.get('etag') ?? '')
  }
  return etags
}

/** @throws Error when the answer to these headers has another status, or anything but an empty body. */
export async function expectEmpty(
  path: string,
  url: string,
  expected: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const response = await fetch(`${url}${path}`, {
    headers: expected.headers,
  })
  const { byteLength } = await response.arrayBuffer()
  if (response.status !== expected.status || byteLength !== 0) {
    throw new Error(`GET ${path}: ${response.status} with ${byteLength} bytes`)
  }
}
