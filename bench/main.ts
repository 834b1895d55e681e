/**
 * The bench's command line, started by `scripts/bench.mjs`, which compiles it. JSON on stdout, a
 * table on stderr. `README.md` says how to read them.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { EXPIRY, runExpiry } from './expiry.ts'
import { FIRST_BYTE, runFirstByte } from './first-byte.ts'
import { HOT_STORE_BYTES, httpScenarios } from './http-scenarios.ts'
import { describeMachine, loadAverage, pinGenerator, sourceCommit } from './machine.ts'
import { MEMORY_TURNOVER, runMemoryTurnover } from './memory-turnover.ts'
import { OBSERVATION_COST, runObservationCost } from './observation-cost.ts'
import { RELEASE_WAITERS, runReleaseWaiters } from './release-waiters.ts'
import { compareRuns, formatRun } from './report.ts'
import type { RunResult, ScenarioResult } from './results.ts'
import { runRounds } from './rounds.ts'
import type { RoundsOptions } from './rounds.ts'
import { ServerProcess } from './server-process.ts'
import { runStorageScenarios, STORAGE_SCENARIOS } from './storage/storage-scenarios.ts'

const MIB = 1024 ** 2

/** Full and quick runs. Quick: does it work, in under 30 s. */
const FULL = { rounds: 5, settleMs: 400, windowMs: 1500, warmUpMs: 800 }
const QUICK = { rounds: 1, settleMs: 200, windowMs: 500, warmUpMs: 200 }
const FIRST_BYTE_UPLOADS = { full: 50, quick: 5 }
const RELEASES = { full: 20, quick: 2 }
const OBSERVATION_PAIRS = { full: 20, quick: 2 }
const TURNOVER_BYTES = { full: 2048 * MIB, quick: 128 * MIB }

/** What does not run in rounds. */
const OTHERS = [FIRST_BYTE, RELEASE_WAITERS, OBSERVATION_COST, MEMORY_TURNOVER, EXPIRY]

const USAGE = `Usage: npm run bench -- [options] [scenario ...]

Scenarios, by name or by its beginning; all of the first list when there are none:
  ${[...httpScenarios().map(({ name }) => name), ...OTHERS].join('\n  ')}

  of disk and Valkey (they need redis-server; "storage" is all of them):
  ${STORAGE_SCENARIOS.join('\n  ')}

  --quick          a smoke run: one short round
  --rounds N       instead of ${FULL.rounds}
  --save NAME      also write bench/results/NAME.json
  --baseline FILE  compare medians with an earlier run; exit 1 when one is worse by over 15 %
  --profile DIR    write V8 CPU profiles of the origin (figures are then not comparable)
  --node-flag FLAG runs the origin with it (--node-flag=--no-concurrent-marking); repeatable
  --no-build       measure what is in dist, even if the sources are newer
  --help
`

interface Arguments {
  readonly scenarioNames: ReadonlySet<string>
  readonly quick: boolean
  readonly rounds: RoundsOptions
  readonly saveAs: string | undefined
  readonly baselineFile: string | undefined
  readonly profileDir: string | undefined
  readonly nodeFlags: readonly string[]
}

await main()

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2))
  if (options === undefined) return
  const baseline =
    options.baselineFile === undefined ? undefined : await readRun(options.baselineFile)
  const run = await measureAll(options)
  const text = `${JSON.stringify(run, undefined, 2)}\n`
  process.stdout.write(text)
  console.error(`\n${formatRun(run)}`)
  if (options.saveAs !== undefined) {
    const file = join(root(), 'bench/results', `${options.saveAs}.json`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  if (baseline === undefined) return
  const comparison = compareRuns(baseline, run)
  console.error(`\n${comparison.text}`)
  if (comparison.worse.length === 0) return
  console.error(`\nWorse by over 15 %: ${comparison.worse.join(', ')}`)
  process.exitCode = 1
}

async function measureAll({
  scenarioNames,
  quick,
  rounds,
  profileDir,
  nodeFlags,
}: Arguments): Promise<RunResult> {
  const startedAt = new Date().toISOString()
  const commit = sourceCommit()
  const loadAverageBefore = loadAverage()
  const pinned = pinGenerator()
  const buildDir = dirname(fileURLToPath(import.meta.url))
  const child = { buildDir, pinned, profileDir, nodeFlags }
  const scenarios: ScenarioResult[] = []
  const overHttp = httpScenarios().filter(({ name }) => scenarioNames.has(name))
  if (overHttp.length > 0) {
    const settings = { hotStore: { sizeBytesMax: HOT_STORE_BYTES } }
    const server = await ServerProcess.start({ ...child, settings })
    scenarios.push(...(await runRounds(overHttp, server, rounds, say)))
    await server.stop()
  }
  if (scenarioNames.has(FIRST_BYTE)) {
    say(FIRST_BYTE)
    const uploadCount = quick ? FIRST_BYTE_UPLOADS.quick : FIRST_BYTE_UPLOADS.full
    scenarios.push(await runFirstByte(uploadCount, child))
  }
  if (scenarioNames.has(RELEASE_WAITERS)) {
    say(RELEASE_WAITERS)
    const releaseCount = quick ? RELEASES.quick : RELEASES.full
    scenarios.push(await runReleaseWaiters(releaseCount, child))
  }
  if (scenarioNames.has(OBSERVATION_COST)) {
    say(OBSERVATION_COST)
    const pairCount = quick ? OBSERVATION_PAIRS.quick : OBSERVATION_PAIRS.full
    scenarios.push(await runObservationCost(pairCount, child, say))
  }
  if (scenarioNames.has(MEMORY_TURNOVER)) {
    say(MEMORY_TURNOVER)
    const storeBytes = quick ? TURNOVER_BYTES.quick : TURNOVER_BYTES.full
    scenarios.push(await runMemoryTurnover(storeBytes, child))
  }
  if (scenarioNames.has(EXPIRY)) {
    say(EXPIRY)
    scenarios.push(runExpiry({ buildDir, pinned }))
  }
  scenarios.push(...(await runStorageScenarios(scenarioNames, quick, child, say)))
  return {
    startedAt,
    commit,
    quick,
    machine: describeMachine(),
    loadAverageBefore,
    loadAverageAfter: loadAverage(),
    pinned,
    nodeFlags,
    rounds: rounds.rounds,
    windowMs: rounds.windowMs,
    scenarios,
  }
}

/** `undefined` after `--help`. */
function readArguments(args: readonly string[]): Arguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      save: { type: 'string' },
      baseline: { type: 'string' },
      profile: { type: 'string' },
      'node-flag': { type: 'string', multiple: true, default: [] },
      // Used by scripts/bench.mjs.
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return undefined
  }
  if (values.save !== undefined && !/^[a-z0-9][a-z0-9.-]*$/i.test(values.save)) {
    throw new Error(`--save takes a name, not a path: ${values.save}`)
  }
  if (values.baseline !== undefined && values.quick) {
    throw new Error('--quick and --baseline exclude each other: a quick run cannot be compared')
  }
  const rounds = values.quick ? QUICK : FULL
  const roundCount = Number(values.rounds ?? rounds.rounds)
  if (!Number.isInteger(roundCount) || roundCount < 1) throw new Error('--rounds takes a number')
  return {
    scenarioNames: chooseScenarios(positionals),
    quick: values.quick,
    rounds: { ...rounds, rounds: roundCount },
    saveAs: values.save,
    baselineFile: values.baseline,
    profileDir: values.profile === undefined ? undefined : resolve(values.profile),
    nodeFlags: values['node-flag'],
  }
}

function chooseScenarios(asked: readonly string[]): ReadonlySet<string> {
  const usual = [...httpScenarios().map(({ name }) => name), ...OTHERS]
  if (asked.length === 0) return new Set(usual)
  const names = [...usual, ...STORAGE_SCENARIOS]
  const chosen = asked.flatMap((text) => {
    if (names.includes(text)) return [text]
    const found = names.filter((name) => name.startsWith(text))
    if (found.length === 0) throw new Error(`no scenario "${text}"; there are ${names.join(', ')}`)
    return found
  })
  return new Set(chosen)
}

async function readRun(file: string): Promise<RunResult> {
  // Written by --save; additions only, see results.ts.
  return JSON.parse(await readFile(file, 'utf8')) as RunResult
}

/** The repository: npm scripts and scripts/bench.mjs run there. */
function root(): string {
  return process.cwd()
}

function say(text: string): void {
  console.error(text)
}
