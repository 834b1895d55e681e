/** `headwater doctor`: asks an origin, or the CDN in front of it, what a player would run into. */

import { setTimeout as wait } from 'node:timers/promises'
import { VERSION } from '../../base/version.ts'
import { hasColours } from '../cli-context.ts'
import type { CliContext } from '../cli-context.ts'
import type { Command } from '../command.ts'
import { EXIT_FAILURE } from '../report-error.ts'
import { KEY_ENV_NAME, readDoctorArguments, SECOND_KEY_ENV_NAME } from './doctor-arguments.ts'
import { examine } from './examination.ts'
import { ProbeClient } from './probe-client.ts'
import { countVerdicts, formatReport, toJsonReport } from './report.ts'
import type { ReportFacts } from './report.ts'

const USAGE = `Usage: headwater doctor <url> [--key-file FILE] [--second-key-file FILE] [--json]

Asks an origin, or the CDN in front of it, for a channel as players do, and says what breaks
playback, what should be changed, and how. Only reads; about 40 requests and two target durations.

  <url>                     the playlist (multivariant or media), or the cache or server it is in
  --key-file FILE           a player's key: a file with the key, or with apiKey in it, such as
                            player-key.json in the data directory
  --key KEY                 the same, seen by every user of this machine; or ${KEY_ENV_NAME}
  --second-key-file FILE    another reader's key: is one reader's playlist handed to the next?
  --second-key KEY          the same; or ${SECOND_KEY_ENV_NAME}
  --json                    one JSON document

Exit code 1 if something breaks playback, else 0; 2 for a wrong command line.

Examples:
  headwater doctor http://localhost:8080/cache/live-origin --key-file .headwater/player-key.json
  headwater doctor https://d111111abcdef8.cloudfront.net/playlist.m3u8
`

export interface DoctorOptions {
  /** Waits; the process stays alive meanwhile, which a timer of the clock does not see to. */
  readonly sleep: (ms: number) => Promise<void>
}

export function createDoctorCommand(options: DoctorOptions): Command {
  return {
    summary: 'check an origin, or a CDN in front of it',
    usage: USAGE,
    run: (context, argv) => runDoctor(context, argv, options),
  }
}

export const doctorCommand: Command = createDoctorCommand({
  sleep: async (ms) => {
    await wait(ms)
  },
})

async function runDoctor(
  context: CliContext,
  argv: readonly string[],
  { sleep }: DoctorOptions,
): Promise<number> {
  const { clock, stdout, stderr, env } = context
  if (argv.includes('--help') || argv.includes('-h')) {
    stdout.write(USAGE)
    return 0
  }
  const { url, key, secondKey, asJson } = readDoctorArguments(context, argv)
  if (stderr.isTTY === true) stderr.write('Asking; this takes about half a minute.\n')
  const client = new ProbeClient({ clock })
  const startedAtMs = clock.nowMs()
  const startedAtMonotonicMs = clock.monotonicMs()
  try {
    const examination = await examine({
      ...{ url, key, secondKey, client, clock, sleep },
      userAgent: `headwater-doctor/${VERSION}`,
    })
    const facts = withoutKeys([key, secondKey], {
      ...examination,
      ...{ requestCount: client.requestCount, startedAtMs },
      tookMs: clock.monotonicMs() - startedAtMonotonicMs,
    })
    stdout.write(
      asJson
        ? `${JSON.stringify(toJsonReport(facts), null, 2)}\n`
        : formatReport(facts, {
            colours: hasColours(stdout, env),
            columns: stdout.columns ?? 100,
          }),
    )
    return countVerdicts(facts.findings).breaks > 0 ? EXIT_FAILURE : 0
  } finally {
    client.close()
  }
}

/** A server may send a key back in any header or name: an opaque one is known only here. */
function withoutKeys(keys: readonly (string | undefined)[], facts: ReportFacts): ReportFacts {
  const secrets = keys
    .filter((key) => key !== undefined)
    .flatMap((key) => [key, encodeURIComponent(key)])
  const clean = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
  return {
    ...facts,
    url: clean(facts.url),
    findings: facts.findings.map((finding) => ({ ...finding, seen: clean(finding.seen) })),
  }
}
