/**
 * What players make of the scenarios that come with the program: the table of `docs/rigs.md`, and what
 * `test/e2e/rig-players.test.ts` holds it to. The words of the table say no more than is tested.
 */

export type PlayerName = 'hls.js' | 'Shaka' | 'ffmpeg'

/** What a player does, beside one that meets no fault. */
export type Doing =
  /** Goes on, for as long as anybody looks. */
  | 'plays'
  /** Plays, stands still for a while, whatever comes then. */
  | 'pauses'
  /** Plays slower than the others: it waits for every segment. */
  | 'lags'
  /** Plays, and stands still for good. */
  | 'stops'
  /** Shows nothing. */
  | 'never'
  /** Stands still for good, or shows nothing: how far it comes is chance. */
  | 'fails'
  /** Goes on or stops: which request was hit decides. */
  | 'either'

export interface PlayerOutcome {
  readonly doing: Doing
  /** Part of an error that it reports; of each of them. */
  readonly says?: string
  /** It plays the lower of two variants. */
  readonly isLower?: true
  /** It may not ask for what the scenario is about. */
  readonly mayMiss?: true
}

const plays: PlayerOutcome = { doing: 'plays' }
const playsThough = (says: string): PlayerOutcome => ({ doing: 'plays', says })

export const SCENARIO_OUTCOMES: Readonly<
  Record<string, Readonly<Record<PlayerName, PlayerOutcome>>>
> = {
  clean: { 'hls.js': plays, Shaka: plays, ffmpeg: plays },
  'slow-segments': {
    'hls.js': { doing: 'lags', says: 'bufferStalledError' },
    Shaka: { doing: 'lags' },
    ffmpeg: { doing: 'lags' },
  },
  'thin-pipe': {
    'hls.js': { doing: 'plays', isLower: true },
    Shaka: { doing: 'plays', isLower: true },
    ffmpeg: plays,
  },
  'slow-start': { 'hls.js': plays, Shaka: plays, ffmpeg: plays },
  'flaky-404': {
    'hls.js': playsThough('fragLoadError'),
    Shaka: playsThough('1001'),
    ffmpeg: playsThough('HTTP error 404'),
  },
  'burst-503': {
    'hls.js': playsThough('LoadError'),
    Shaka: { doing: 'either', says: '1001' },
    ffmpeg: playsThough('HTTP error 503'),
  },
  'playlist-5xx': {
    'hls.js': { doing: 'either', says: 'levelLoadError' },
    Shaka: { doing: 'either', says: '1001' },
    ffmpeg: { doing: 'either', says: 'HTTP error 500' },
  },
  'frozen-playlist': {
    'hls.js': { doing: 'stops', says: 'bufferStalledError' },
    Shaka: { doing: 'stops' },
    ffmpeg: { doing: 'stops' },
  },
  'backwards-sequence': {
    'hls.js': { doing: 'stops', says: 'fatal levelParsingError' },
    Shaka: plays,
    ffmpeg: playsThough('Media sequence changed unexpectedly'),
  },
  'missing-edge': {
    'hls.js': playsThough('fragLoadError'),
    Shaka: { doing: 'plays', mayMiss: true },
    ffmpeg: { doing: 'plays', mayMiss: true },
  },
  'gone-rendition': {
    'hls.js': { doing: 'plays', says: 'levelLoadError', isLower: true },
    Shaka: { doing: 'never', says: 'fatal 1001' },
    ffmpeg: playsThough('Server returned 404'),
  },
  'truncated-segment': {
    'hls.js': playsThough('fragLoadError'),
    Shaka: playsThough('1002'),
    ffmpeg: playsThough('Stream ends prematurely'),
  },
  'corrupt-segment': {
    'hls.js': { doing: 'either', says: 'fragParsingError' },
    Shaka: { doing: 'fails', says: 'fatal 301' },
    ffmpeg: playsThough('error while decoding'),
  },
  'reset-midway': {
    'hls.js': playsThough('fragLoadError'),
    Shaka: playsThough('1002'),
    ffmpeg: playsThough('Packet corrupt'),
  },
  'stalled-segment': {
    'hls.js': { doing: 'pauses', says: 'bufferStalledError' },
    Shaka: { doing: 'pauses' },
    ffmpeg: { doing: 'either' },
  },
  'wrong-type': { 'hls.js': plays, Shaka: plays, ffmpeg: plays },
  'no-cors': {
    'hls.js': { doing: 'never', says: 'fatal manifestLoadError' },
    Shaka: { doing: 'never', says: 'fatal 1002' },
    ffmpeg: plays,
  },
  'late-segments': {
    'hls.js': { doing: 'either', says: 'fragLoadError' },
    Shaka: { doing: 'either', says: '1001' },
    ffmpeg: { doing: 'either' },
  },
  'lossy-ingest': {
    'hls.js': { doing: 'either', says: 'fragLoadError' },
    Shaka: { doing: 'either', says: '1001' },
    ffmpeg: { doing: 'either', says: 'HTTP error 404' },
  },
  'burst-429': {
    'hls.js': playsThough('fragLoadError'),
    Shaka: playsThough('1001'),
    ffmpeg: playsThough('HTTP error 404'),
  },
}

const WORDS: Readonly<Record<Doing, string>> = {
  plays: 'plays on',
  pauses: 'stands still for a while',
  lags: 'falls behind',
  stops: 'stops',
  never: 'never starts',
  fails: 'stops or never starts',
  either: 'plays on or stops',
}

const PLAYERS: readonly PlayerName[] = ['hls.js', 'Shaka', 'ffmpeg']

/** The table as it stands in the page, without padding. */
export function outcomeRows(): readonly (readonly string[])[] {
  return [
    ['Scenario', ...PLAYERS],
    ...Object.entries(SCENARIO_OUTCOMES).map(([scenario, outcomes]) => [
      `\`${scenario}\``,
      ...PLAYERS.map((player) => cellOf(outcomes[player])),
    ]),
  ]
}

function cellOf({ doing, says, isLower }: PlayerOutcome): string {
  const lower = isLower ? ', lower variant' : ''
  return `${WORDS[doing]}${lower}${says === undefined ? '' : `: \`${says}\``}`
}
