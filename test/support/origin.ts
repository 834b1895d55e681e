/** A running Headwater for a test: on free ports, in a directory of its own, closed at the end. */

import type { Test } from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { closeIdleConnections } from './http.ts'

/** `HEADWATER_TEST_EXPRESS_LANE=true`: every test's origin has the lane, and must pass all the same. */
const HAS_EXPRESS_LANE = process.env['HEADWATER_TEST_EXPRESS_LANE'] === 'true'

/**
 * Starts one for this test. The cache `live-origin` exists.
 *
 * @param settings  Over the defaults.
 */
export async function openOrigin(
  t: Test,
  settings: StartOptions['settings'] = {},
  options: Omit<StartOptions, 'settings'> = {},
): Promise<Headwater> {
  const origin = await startHeadwater({
    ...options,
    settings: { expressLane: HAS_EXPRESS_LANE, ...settings },
  })
  t.teardown(async () => {
    closeIdleConnections()
    await origin.close()
  })
  return origin
}

/** The inner JWT of a v1 wrapper: Momento's API takes both. */
export function innerJwt(apiKey: string): string {
  const wrapper: unknown = JSON.parse(Buffer.from(apiKey, 'base64').toString('utf8'))
  // The wrapper's shape is part of what is emulated: {endpoint, api_key}.
  return (wrapper as { readonly api_key: string }).api_key
}

/** `Authorization` of HTTP Basic as MediaLive sends it. */
export function basicAuthorization(apiKey: string, user = 'momento'): string {
  return `Basic ${Buffer.from(`${user}:${apiKey}`).toString('base64')}`
}
