/** One request to the admin API of a running origin, with what it answered as JSON. */

import type { Headwater } from '../../src/app.ts'
import { http } from './http.ts'
import type { HttpAnswer } from './http.ts'

/** @param authorization  The super-user's key when absent. */
export async function adminRequest(
  origin: Headwater,
  method: string,
  path: string,
  body?: unknown,
  authorization = origin.keys.superUser,
): Promise<HttpAnswer & { readonly json: unknown }> {
  const answer = await http(`${origin.adminUrl}${path}`, {
    method,
    headers: {
      authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
  return { ...answer, json }
}
