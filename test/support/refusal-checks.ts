/** What every refusal of the data plane has in common, checked on raw answers. */

import type { Test } from 'tap'
import type { RawClient, RawResponse } from './raw-client.ts'

/**
 * A refusal: its status, a reason for people, and Momento's error body, under 1 KiB in all.
 *
 * @param reason  Of `x-headwater-reason`; any will do when absent.
 */
export function checkRefusal(
  t: Test,
  response: RawResponse | undefined,
  status: number,
  reason?: string,
): void {
  if (response === undefined) {
    t.fail(`no answer where ${String(status)} was expected`)
    return
  }
  const said = response.header('x-headwater-reason')
  t.equal(response.status, status, `status, because of ${said ?? 'nothing'}`)
  if (reason === undefined) t.ok(said, 'has a reason')
  else t.equal(said, reason)
  t.equal(response.header('content-type'), 'application/json')
  t.ok(response.sizeBytes < 1024, `${String(response.sizeBytes)} bytes in all`)
  if (status === 401) t.equal(response.header('www-authenticate'), 'Basic realm="headwater"')
  const body: unknown = JSON.parse(response.body.toString('utf8') || '{}')
  t.hasStrict(body, { status })
  t.match(body, { code: String, message: String, detail: String })
}

/** That the connection lived through it: a further request on it is answered. */
export async function checkUsable(t: Test, client: RawClient): Promise<void> {
  t.equal(client.unreadBytes, 0, 'nothing beyond the answer')
  t.equal(await client.isUsable(), true, 'the connection serves the next request')
}
