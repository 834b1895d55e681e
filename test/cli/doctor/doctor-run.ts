/** Runs the doctor for a test: a clock of its own, waits that take no time, output as text. */

import type { CliContext } from '../../../src/cli/cli-context.ts'
import { createDoctorCommand } from '../../../src/cli/doctor/doctor-command.ts'
import type { ManualClock } from '../../support/manual-clock.ts'

export interface DoctorRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface DoctorJson {
  readonly url: string
  readonly cache: string
  readonly requestCount: number
  readonly tookSeconds: number
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly {
    readonly id: string
    readonly verdict: string
    readonly seen: string
    readonly change?: string
  }[]
}

export interface DoctorRunOptions {
  readonly clock: ManualClock
  readonly env?: CliContext['env']
  readonly cwd?: string
  /** After each wait, with the time that has passed: the channel's encoder. */
  readonly onWait?: () => void | Promise<void>
  readonly isTTY?: boolean
}

/** @throws what the command throws: wrong command lines. */
export async function runDoctor(
  argv: readonly string[],
  { clock, env = {}, cwd = '.', onWait, isTTY = false }: DoctorRunOptions,
): Promise<DoctorRun> {
  let stdout = ''
  let stderr = ''
  const command = createDoctorCommand({
    sleep: async (ms) => {
      clock.advance(ms)
      await onWait?.()
    },
  })
  const exitCode = await command.run(
    {
      ...{
        argv,
        env,
        cwd,
        clock,
        platform: 'linux',
        stdin: { async *[Symbol.asyncIterator]() {} },
      },
      stdout: { write: (text) => (stdout += text), isTTY, columns: 90 },
      stderr: { write: (text) => (stderr += text), isTTY },
      writeBytes: () => Promise.reject(new Error('no bytes')),
      ask: () => Promise.reject(new Error('nobody asks')),
      takeInheritedSockets: () => undefined,
      untilStopped: () => Promise.reject(new Error('it stops by itself')),
    },
    argv,
  )
  return { exitCode, stdout, stderr }
}

/** With `--json`, parsed; verdicts by id besides. */
export async function runDoctorJson(
  argv: readonly string[],
  options: DoctorRunOptions,
): Promise<{
  readonly exitCode: number
  readonly stdout: string
  readonly report: DoctorJson
  readonly verdicts: Readonly<Record<string, string>>
}> {
  const { exitCode, stdout } = await runDoctor([...argv, '--json'], options)
  // The document's shape is what this test is about.
  const report = JSON.parse(stdout) as DoctorJson
  const verdicts = Object.fromEntries(report.findings.map(({ id, verdict }) => [id, verdict]))
  return { exitCode, stdout, report, verdicts }
}
