/**
 * The soak: real encoders push for minutes, are killed in the middle and start again; readers look on.
 * Exit 0 when nothing was wrong that the restart does not explain. Started by `scripts/soak.mjs`.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { OriginChild } from './origin-child.ts'
import { formatReport } from './report.ts'
import { Soak } from './soak.ts'
import { judge } from './verdict.ts'

const USAGE = `Usage: npm run soak -- [--minutes N]

Pushes a ladder of three renditions and an fMP4 channel with ffmpeg for N minutes (10; at least 1),
kills both encoders in the middle with SIGKILL and starts them again, with readers all the while.
Exit 1 when there was a finding, a refused read, torn bytes, growing memory or a pin that the restart
does not explain.
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, help: { type: 'boolean' } },
  })
  const minutes = Number(values.minutes)
  if (values.help === true || !(minutes >= 1 && minutes <= 24 * 60)) {
    process.stdout.write(USAGE)
    return values.help === true ? 0 : 2
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-soak-'))
  const origin = await OriginChild.start(process.env['BUILT_MAIN'] ?? 'dist/main.js', dataDir)
  try {
    const measured = await new Soak(origin, minutes * 60).run()
    const problems = judge(measured)
    process.stdout.write(formatReport(measured, origin.notable, problems))
    return problems.length === 0 ? 0 : 1
  } finally {
    await origin.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
