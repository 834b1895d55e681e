/**
 * The player's state and its words: from what is known to what a person is told. Pure, so that every
 * sentence is tested without a browser.
 */

/** Also the values of `data-state` on the page's root, which tests read. */
export type PlayerStateKind =
  /** The first playlist or the first picture is on its way. */
  | 'loading'
  | 'playing'
  | 'paused'
  /** Out of data although the encoder sends. */
  | 'stalled'
  /** The encoder has not begun, or has stopped sending. */
  | 'waiting'
  | 'ended'
  /** 401 or 403. */
  | 'refused'
  | 'no-cache'
  /** No answer, or a 5xx. */
  | 'unreachable'
  /** What was answered cannot be played. */
  | 'failed'

export interface PlayerState {
  readonly kind: PlayerStateKind
  readonly title: string
  /** What to do, or what happens next; '' when there is nothing to say. */
  readonly advice: string
}

/** What asking for the playlist gave. */
export type ProbeResult =
  | { readonly kind: 'ok' }
  /** No answer at all. */
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'not-a-playlist' }
  | {
      readonly kind: 'status'
      readonly statusCode: number
      /** The error body's `message`. */
      readonly message: string
      /** `x-headwater-reason`; '' when absent. */
      readonly reason: string
    }

export interface PlayerFacts {
  readonly cacheName: string
  readonly key: string
  readonly hasToken: boolean
  /** Absent: not asked yet. */
  readonly probe: ProbeResult | undefined
  /** Until the playlist is asked for again; absent when it will not be. */
  readonly retrySeconds: number | undefined
  /** The player gave up, in its words. */
  readonly failure: string | undefined
  readonly hasEnded: boolean
  readonly isPaused: boolean
  /** The position moved on within the last second. */
  readonly isAdvancing: boolean
  readonly hasStarted: boolean
  /** There is a picture to play, or to go on with. */
  readonly hasPicture: boolean
  /** The playlist is not closed. */
  readonly isLive: boolean
  /** Since the newest segment appeared in the playlist; absent when none did. */
  readonly segmentAgeSeconds: number | undefined
  readonly targetDurationSeconds: number
}

/** The state, most serious cause first. */
export function toPlayerState(facts: PlayerFacts): PlayerState {
  if (facts.failure !== undefined) {
    return { kind: 'failed', title: 'This cannot be played', advice: facts.failure }
  }
  if (facts.probe === undefined) return { kind: 'loading', title: 'Loading', advice: '' }
  if (facts.probe.kind !== 'ok') return toProblem(facts, facts.probe)
  if (facts.hasEnded) {
    return { kind: 'ended', title: 'The stream has ended', advice: 'The encoder closed it.' }
  }
  return toPlayback(facts)
}

/** A live playlist is late after two target durations; one more second for the polling. */
function formatSilence(facts: PlayerFacts): string | undefined {
  const { segmentAgeSeconds, targetDurationSeconds } = facts
  if (segmentAgeSeconds === undefined || segmentAgeSeconds < 2 * targetDurationSeconds + 1) {
    return undefined
  }
  return `No new segment for ${Math.floor(segmentAgeSeconds)} s.`
}

function toPlayback(facts: PlayerFacts): PlayerState {
  const silence = formatSilence(facts)
  if (facts.isAdvancing) {
    if (silence !== undefined) {
      return { kind: 'playing', title: 'Playing what is buffered', advice: silence }
    }
    return { kind: 'playing', title: facts.isLive ? 'Playing live' : 'Playing', advice: '' }
  }
  if (facts.isPaused && facts.hasPicture) {
    return { kind: 'paused', title: 'Paused', advice: silence ?? 'Press play.' }
  }
  if (silence !== undefined) {
    return {
      kind: 'waiting',
      title: 'Waiting for the encoder',
      advice: `${silence} Playback goes on when the encoder does.`,
    }
  }
  return facts.hasStarted
    ? { kind: 'stalled', title: 'Stalled', advice: 'Waiting for data.' }
    : { kind: 'loading', title: 'Loading', advice: 'Waiting for the first picture.' }
}

function toProblem(facts: PlayerFacts, probe: Exclude<ProbeResult, { kind: 'ok' }>): PlayerState {
  const again =
    facts.retrySeconds === undefined
      ? ''
      : ` Trying again in ${Math.max(1, Math.ceil(facts.retrySeconds))} s.`
  if (probe.kind === 'no-answer') {
    return {
      kind: 'unreachable',
      title: 'The origin does not answer',
      advice: `Is the server running?${again}`,
    }
  }
  if (probe.kind === 'not-a-playlist') {
    return {
      kind: 'failed',
      title: 'This is not an HLS playlist',
      advice: `“${facts.key}” does not begin with #EXTM3U. Give the address of a .m3u8 file.${again}`,
    }
  }
  if (probe.statusCode === 401 || probe.statusCode === 403) return toRefusal(facts, probe)
  if (probe.statusCode === 404) return toNotFound(facts, probe.message, again)
  return {
    kind: 'unreachable',
    title: `The origin answers with ${probe.statusCode}`,
    advice: `${toSentence(probe.reason === '' ? probe.message : probe.reason)}${again}`,
  }
}

function toRefusal(
  facts: PlayerFacts,
  probe: { readonly statusCode: number; readonly reason: string },
): PlayerState {
  const reason = probe.reason === '' ? '' : `${toSentence(probe.reason)} `
  if (probe.statusCode === 403) {
    return {
      kind: 'refused',
      title: 'This key may not read the channel (403)',
      advice: `${reason}Use a key with the role readonly or readwrite for the cache “${facts.cacheName}”.`,
    }
  }
  return {
    kind: 'refused',
    title: facts.hasToken ? 'The key is not accepted (401)' : 'A key is needed (401)',
    advice: facts.hasToken
      ? `${reason}It may have expired or been revoked. Open a fresh link, or give another key.`
      : 'Open the player link that the server printed (it ends with #token=…), or give a key.',
  }
}

function toNotFound(facts: PlayerFacts, message: string, again: string): PlayerState {
  if (/cache not found/i.test(message)) {
    return {
      kind: 'no-cache',
      title: `There is no cache “${facts.cacheName}” (404)`,
      advice: `Check the address; “headwater cache list” shows the caches.${again}`,
    }
  }
  return {
    kind: 'waiting',
    title: 'Waiting for the encoder',
    advice: `“${facts.key}” is not there (404). Is the encoder running, and does it write to this key?${again}`,
  }
}

/** The origin's words may or may not end with a full stop. */
function toSentence(text: string): string {
  return `${text.replace(/[.\s]+$/, '')}.`
}
