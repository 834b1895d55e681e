/** Asks for the playlist before the player does, to learn in the origin's words what is wrong. */

import type { ProbeResult } from './player-state.ts'

/** One GET with the token in a header. Never throws. */
export async function probePlaylist(
  url: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ProbeResult> {
  try {
    const response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: token },
      cache: 'no-store',
      credentials: 'omit',
      signal,
    })
    const text = await response.text()
    if (response.ok) {
      return text.trimStart().startsWith('#EXTM3U') ? { kind: 'ok' } : { kind: 'not-a-playlist' }
    }
    return {
      kind: 'status',
      statusCode: response.status,
      message: parseMessage(text) ?? response.statusText,
      reason: response.headers.get('x-headwater-reason') ?? '',
    }
  } catch {
    // Ignored: the browser tells a page nothing more about it.
    return { kind: 'no-answer' }
  }
}

function parseMessage(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message)
  } catch {
    // Ignored: a proxy's page instead of the origin's body.
  }
  return undefined
}
