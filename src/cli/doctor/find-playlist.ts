/**
 * From the URL that a person types to the playlist and to the way a key opens it. People give the
 * playlist, the cache, or the server; the guides' names are tried for the last two.
 */

import { parsePlaylist } from '../../hls/playlist.ts'
import type { Playlist } from '../../hls/playlist.ts'
import type { Answer, Outcome } from './answer.ts'
import { isStatus, quote, textOf } from './answer.ts'
import { detectCdn } from './cdn.ts'
import { unchecked } from './finding.ts'
import type { Finding } from './finding.ts'
import { judgeParse } from './judge-playlists.ts'
import { judgeAccess, judgeConnection, opens } from './judge-reach.ts'
import type { ProbeClient } from './probe-client.ts'
import type { KeyMode, Reader } from './reader.ts'

export interface FoundPlaylist {
  readonly url: string
  readonly answer: Answer
  readonly playlist: Playlist
  /** What a request without a key was answered. */
  readonly anonymous: Outcome
  readonly opensByQuery: boolean
}

export interface Search {
  /** `undefined`: no playlist; the findings say why. */
  readonly found: FoundPlaylist | undefined
  readonly findings: readonly Finding[]
}

/** Sets the reader's mode to the one that opens. */
export async function findPlaylist(options: {
  readonly url: string
  readonly hasKey: boolean
  readonly reader: Reader
  readonly client: ProbeClient
  readonly nowMs: () => number
}): Promise<Search> {
  const { url, hasKey, reader, client } = options
  const preferred: KeyMode = hasKey ? 'header' : 'none'
  let current = url
  let first: Outcome | undefined
  const tried: string[] = []
  for (const candidate of candidatesOf(url)) {
    const read = await reader.follow(candidate, { mode: preferred })
    tried.push(quote(new URL(candidate).pathname))
    if (first === undefined || promise(read.outcome) >= promise(first)) {
      first = read.outcome
      current = read.url
    }
    if (opens(first) || read.outcome.kind === 'failure') break
  }
  if (first === undefined || first.kind === 'failure') {
    const outcome = first ?? { kind: 'failure', code: 'URL' }
    return {
      found: undefined,
      findings: [judgeConnection(outcome, options.nowMs())],
    }
  }
  const query = hasKey ? await reader.get(current, { mode: 'query' }) : undefined
  const anonymous = hasKey ? await reader.get(current, { mode: 'none' }) : first
  const header = hasKey ? first : undefined
  const findings = [
    judgeConnection(first, options.nowMs()),
    ...judgeAccess({ hasKey, header, query, anonymous, cdn: detectCdn(client.answers) }),
  ]
  const ways: readonly [KeyMode, Outcome | undefined][] = [
    ['header', header],
    ['query', query],
    ['none', anonymous],
  ]
  for (const [mode, outcome] of ways) {
    if (!opens(outcome)) continue
    const playlist = parsePlaylist(textOf(outcome))
    if (playlist === undefined) continue
    reader.mode = mode
    const found = { url: current, answer: outcome, playlist, anonymous, opensByQuery: opens(query) }
    return { found, findings }
  }
  const page = ways.map(([, outcome]) => outcome).find((outcome) => isStatus(outcome, 200))
  findings.push(
    page === undefined
      ? unchecked('playlist.parse', `no playlist at ${tried.join(', ')}`)
      : judgeParse(page, undefined),
  )
  return { found: undefined, findings }
}

/** What to ask for, in order. Exported for its test. */
export function candidatesOf(url: string): readonly string[] {
  const parsed = new URL(url)
  const { pathname } = parsed
  if (/\.m3u8?$/i.test(pathname) || /[?&]key(?:_base64)?=/.test(parsed.search)) return [url]
  const under = (path: string) => {
    const copy = new URL(url)
    copy.pathname = path
    return copy.href
  }
  const directory = pathname.replace(/\/+$/, '')
  const first = '/cache/live-origin'
  const isCache = /^\/cache\/[^/]+$/.test(directory)
  const names = ['playlist.m3u8', ...(directory === '' ? [] : ['index.m3u8'])]
  return [
    ...(directory === '' || isCache ? [] : [url]),
    ...names.map((name) => under(`${directory}/${name}`)),
    ...(directory === '' ? [under(`${first}/playlist.m3u8`)] : []),
    // What `headwater demo` pushes.
    ...(directory === '' || isCache ? [under(`${directory || first}/demo/playlist.m3u8`)] : []),
  ]
}

/** Which of several answers, none of them a playlist, says most. */
function promise(outcome: Outcome): number {
  if (opens(outcome)) return 4
  if (isStatus(outcome, 200)) return 3
  if (isStatus(outcome, 401, 403)) return 2
  return 1
}
