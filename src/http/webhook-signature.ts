/**
 * Signatures of webhook calls, as the Standard Webhooks specification has them (version 1.0), so
 * that receivers verify them with a library that they may have already.
 */

import { createHmac } from 'node:crypto'

export interface SignedCall {
  readonly id: string
  /** Unix time of this attempt, seconds. */
  readonly timestampSeconds: number
  readonly body: string
}

const ENCODED_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/

/** `whsec_` and base64, or any text, which is used as its UTF-8 bytes. */
export function webhookKey(secret: string): Buffer {
  const [, encoded] = ENCODED_SECRET.exec(secret) ?? []
  return encoded === undefined ? Buffer.from(secret, 'utf8') : Buffer.from(encoded, 'base64')
}

/** The value of `webhook-signature`: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function signWebhook(key: Uint8Array, call: SignedCall): string {
  const text = `${call.id}.${call.timestampSeconds}.${call.body}`
  return `v1,${createHmac('sha256', key).update(text, 'utf8').digest('base64')}`
}
