/** The player page's address with its token, and the same as a QR code for a phone. */

import { renderUnicodeCompact } from 'uqr'
import { unwrapCredential } from '../auth/credential.ts'

export interface PlayerLinkOptions {
  /** `http.publicUrl`, or where a push goes. */
  readonly publicUrl: string
  readonly cacheName: string
  /** As text; slashes stay. */
  readonly playlistKey: string
  /** Read only: everybody who is given the link has it. Absent: the page asks. */
  readonly playerKey?: string | undefined
}

/** The token is in the fragment, which no browser sends. The inner JWT: it is the shorter form. */
export function formatPlayerUrl(options: PlayerLinkOptions): string {
  const { publicUrl, cacheName, playlistKey, playerKey } = options
  const path = playlistKey.split('/').map(encodeURIComponent).join('/')
  const url = `${publicUrl.replace(/\/+$/, '')}/play/${cacheName}/${path}`
  if (playerKey === undefined) return url
  return `${url}#token=${encodeURIComponent(unwrapCredential(playerKey) ?? playerKey)}`
}

/** Lines of half blocks; with colours black on white, so that cameras read it on any theme. */
export function formatQrCode(text: string, colours: boolean): string {
  const lines = renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n')
  return lines.map((line) => `  ${colours ? `\u001b[97;40m${line}\u001b[0m` : line}`).join('\n')
}
