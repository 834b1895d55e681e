/** `momento_key_info.json`: the file that Momento's console gives, and SDKs and scripts read. */

import type { KeyInfo } from '../api/steer-types.ts'

export const KEY_FILE_NAME = 'momento_key_info.json'

/** Its four members, in the order of the original. */
export function formatKeyInfo({ apiKey, refreshToken, validUntil, restEndpoint }: KeyInfo): string {
  return `${JSON.stringify({ apiKey, refreshToken, validUntil, restEndpoint }, undefined, 2)}\n`
}
