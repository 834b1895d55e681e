/**
 * From the URL that a person types to the playlist and to the way a key opens it. People give the
 * playlist, the cache, or the server; the guides' names are tried for the last two.
 */

import { parsePlaylist } from '../../hls/playlist.ts'
import type { Playlist } from '../../hls/playlist.ts'
import type { Answer, Outcome } from './answer.ts'
import { textOf } from './answer.ts'
import { detectCdn } from './cdn.ts'
import type { Finding } from './finding.ts'
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
  /** The best answer when none is a playlist. */
  readonly answer: Answer | undefined
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
  for (const candidate of candidatesOf(url)) {
    const read = await reader.follow(candidate, { mode: preferred })
    if (first === undefined || opens(read.outcome)) {
      first = read.outcome
      current = read.url
    }
    if (opens(first) || first.kind === 'failure') break
  }
  if (first === undefined || first.kind === 'failure') {
    const outcome = first ?? { kind: 'failure', code: 'URL' }
    return {
      found: undefined,
      answer: undefined,
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
    return { found, answer: outcome, findings }
  }
  const answer = ways.map(([, outcome]) => outcome).find((outcome) => isAnswer200(outcome))
  return { found: undefined, answer: answer as Answer | undefined, findings }
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
  if (directory === '') return [under('/playlist.m3u8'), under('/cache/live-origin/playlist.m3u8')]
  const inside = [under(`${directory}/playlist.m3u8`), under(`${directory}/index.m3u8`)]
  return /^\/cache\/[^/]+$/.test(directory) ? inside : [url, ...inside]
}

function isAnswer200(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'answer' && outcome.status === 200
}
