/** The scenarios that come with the program, in hls.js, Shaka Player and ffmpeg, as they come. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { SHIPPED_SCENARIOS } from '../../src/rig/shipped-scenarios.ts'
import { launchBrowser } from '../support/browser.ts'
import { startFfmpegReaders } from '../support/ffmpeg-readers.ts'
import { FRAMES_PER_SECOND, makeLadder, pushLadder } from '../support/live-ladder.ts'
import type { LadderVariant } from '../support/live-ladder.ts'
import { openOrigin } from '../support/origin.ts'
import { openPlayerPage, playerStates } from '../support/player-page.ts'
import type { PlayerState } from '../support/player-page.ts'
import { SCENARIO_OUTCOMES } from '../support/scenario-outcomes.ts'
import type { PlayerName, PlayerOutcome } from '../support/scenario-outcomes.ts'

/** Scenarios to push by: each has a channel of its own, whose name the seed draws early losses for. */
const PUSHED_BY: Readonly<Record<string, string>> = {
  'late-segments': 'late',
  'lossy-ingest': 'lossy-49',
  'burst-429': 'burst',
}
/**
 * Of the channel that the others read: the seed draws some of its first segments for a fault, and none
 * of them for a second one when it is asked for again.
 */
const FOLDER = 'tv-42665'
const LOWER_HEIGHT = 72

/** Times are those of the player without faults: a loaded machine slows all of them down. */
const PLAYED_SECONDS = 24
const STOPPED_SECONDS = 8
const PAUSED_SECONDS = 4
const LAG_RATIO = 0.8
const PATIENCE_MS = 150_000
const LADDER_SECONDS = 200

type States = ReadonlyMap<string, PlayerState>

/** How one player has fared, measured by the one without faults. */
interface Fate {
  readonly state: PlayerState
  readonly stillSeconds: number
  readonly longestStillSeconds: number
}

// A loaded machine takes its time.
t.setTimeout(600_000)

t.test('what players make of the scenarios', { timeout: 600_000 }, async (t) => {
  t.same(Object.keys(SCENARIO_OUTCOMES), Object.keys(SHIPPED_SCENARIOS), 'every one of them')
  const ladder = await makeLadder(LADDER_SECONDS)
  const browser = await launchBrowser(t)

  await t.test('in hls.js and ffmpeg', { timeout: 280_000 }, async (t) => {
    const origin = await openChannel(t, ladder)
    const page = await openPlayerPage(browser, 'hls.js', urlsFor(origin, 'hls.js'))
    const readers = startFfmpegReaders(urlsFor(origin, 'ffmpeg'), FRAMES_PER_SECOND)
    t.teardown(() => readers.close())
    await Promise.all([
      judge(t, origin, 'hls.js', () => playerStates(page)),
      judge(t, origin, 'ffmpeg', () => Promise.resolve(readers.states())),
    ])
    await page.close()
  })

  await t.test('in Shaka Player', { timeout: 280_000 }, async (t) => {
    const origin = await openChannel(t, ladder)
    const page = await openPlayerPage(browser, 'shaka', urlsFor(origin, 'Shaka'))
    await judge(t, origin, 'Shaka', () => playerStates(page))
    await page.close()
  })
})

async function openChannel(t: Test, ladder: readonly LadderVariant[]): Promise<Headwater> {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const { dataPlaneUrl, keys } = origin
  const target = { dataPlaneUrl, encoderKey: keys.encoder }
  const push = await pushLadder(ladder, [
    { ...target, scenario: '', folder: FOLDER },
    ...Object.entries(PUSHED_BY).map(([scenario, folder]) => ({ ...target, scenario, folder })),
  ])
  t.teardown(() => push.close())
  return origin
}

/** A host name each: browsers open six connections to one, and slow answers would keep them all. */
function urlsFor(origin: Headwater, player: PlayerName): ReadonlyMap<string, string> {
  const { port } = new URL(origin.dataPlaneUrl)
  const names = Object.keys(SCENARIO_OUTCOMES)
  return new Map(
    names.map((name) => {
      const host = player === 'ffmpeg' ? '127.0.0.1' : `${name}.localhost`
      const folder = PUSHED_BY[name]
      const path = `cache/live-origin/${folder ?? FOLDER}/main.m3u8?token=${origin.keys.player}`
      const rig = folder === undefined ? `rig/${runOf(name, player)}/` : ''
      return [name, `http://${host}:${port}/${rig}${path}`]
    }),
  )
}

function runOf(scenario: string, player: PlayerName): string {
  return `${scenario}~${player}`
}

/** Looks until every player has done what the table says, then says which have not. */
async function judge(
  t: Test,
  origin: Headwater,
  player: PlayerName,
  look: () => Promise<States>,
): Promise<void> {
  const watch = new Watch()
  const endsAtMs = performance.now() + PATIENCE_MS
  // What makes no player say anything has to be done all the same.
  const met = new Set<string>(['clean'])
  const isRight = (name: string, outcomes: Readonly<Record<PlayerName, PlayerOutcome>>) =>
    (met.has(name in PUSHED_BY || name === 'clean' ? name : runOf(name, player)) ||
      outcomes[player].mayMiss === true) &&
    isSo(outcomes[player], watch.fate(name), watch.cleanSeconds)
  const all = Object.entries(SCENARIO_OUTCOMES)
  do {
    await sleep(250)
    watch.note(await look())
    for (const { scenario } of origin.faults?.events() ?? []) met.add(scenario)
  } while (
    !all.every(([name, outcomes]) => isRight(name, outcomes)) &&
    performance.now() < endsAtMs
  )
  for (const [name, outcomes] of all) {
    const { doing, says = '' } = outcomes[player]
    const found = JSON.stringify({ ...watch.fate(name), cleanSeconds: watch.cleanSeconds })
    t.ok(isRight(name, outcomes), `${name} in ${player}: ${doing} ${says}`, { found })
  }
}

/** Where a player was seen to move last. */
interface Mark {
  readonly playedSeconds: number
  /** Of the player without faults. */
  readonly atSeconds: number
  /** Its longest pause before. */
  readonly longest: number
}

/** Follows the players of one page, and how long each has stood still. */
class Watch {
  readonly #marks = new Map<string, Mark>()
  #states: States = new Map()

  get cleanSeconds(): number {
    return this.#states.get('clean')?.playedSeconds ?? 0
  }

  note(states: States): void {
    this.#states = states
    for (const [name, { playedSeconds }] of states) {
      const mark = this.#marks.get(name)
      if (mark !== undefined && playedSeconds <= mark.playedSeconds) continue
      const longest = mark === undefined ? 0 : this.#longest(mark)
      this.#marks.set(name, { playedSeconds, atSeconds: this.cleanSeconds, longest })
    }
  }

  fate(name: string): Fate {
    const state = this.#states.get(name)
    const mark = this.#marks.get(name)
    if (state === undefined || mark === undefined) throw new Error(`no player ${name}`)
    return {
      state,
      stillSeconds: this.cleanSeconds - mark.atSeconds,
      longestStillSeconds: this.#longest(mark),
    }
  }

  #longest({ playedSeconds, atSeconds, longest }: Mark): number {
    // Before the first picture nothing stands still.
    return playedSeconds === 0 ? 0 : Math.max(longest, this.cleanSeconds - atSeconds)
  }
}

function isSo(outcome: PlayerOutcome, fate: Fate, cleanSeconds: number): boolean {
  const { doing, says, isLower } = outcome
  const { errors, height, playedSeconds } = fate.state
  if (cleanSeconds < PLAYED_SECONDS) return false
  if (says !== undefined && !errors.some((error) => error.includes(says))) return false
  if (isLower && height !== LOWER_HEIGHT) return false
  switch (doing) {
    case 'plays':
      return playedSeconds >= PLAYED_SECONDS
    case 'pauses':
      return fate.longestStillSeconds >= PAUSED_SECONDS
    case 'lags':
      return playedSeconds > 0 && playedSeconds < cleanSeconds * LAG_RATIO
    case 'stops':
      return playedSeconds > 0 && fate.stillSeconds >= STOPPED_SECONDS
    case 'fails':
      return fate.stillSeconds >= STOPPED_SECONDS
    case 'never':
      return playedSeconds === 0
    case 'either':
      return true
  }
}
