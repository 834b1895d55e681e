/** `headwater serve`: runs the origin until it is told to stop. */

import { DEV_ENCODER_KEY, DEV_PLAYER_KEY } from '../auth/dev-keys.ts'
import { FIRST_KEY_FILES } from '../auth/first-keys.ts'
import { FIRST_CACHE_NAME } from '../app.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { VERSION } from '../base/version.ts'
import type { FaultFile } from '../rig/fault-file.ts'
import { hotStoreSizeBytesDefault } from '../storage/hot-store-size.ts'
import { formatBanner } from './banner.ts'
import type { Painter } from './banner.ts'
import { hasColours } from './cli-context.ts'
import type { CliContext } from './cli-context.ts'
import { usageError } from './command.ts'
import type { Command } from './command.ts'
import { formatNotice, logNotice } from './origin-notices.ts'
import { startOriginProcess } from './origin-process.ts'
import type { OriginProcess } from './origin-process.ts'
import { OriginReporter } from './origin-reporter.ts'
import { formatPlayerUrl, formatQrCode } from './player-link.ts'
import { readFaultFile } from './rig/fault-command.ts'
import { readServeSettings } from './serve-settings.ts'
import type { ServeSettings } from './serve-settings.ts'
import { detectShell } from './shell-lines.ts'
import { formatClockTime } from './terminal-log.ts'

const USAGE = `Usage: headwater [serve] [--lan] [--json] [flags of settings]

Starts the origin and runs it until Ctrl-C or SIGTERM. The first start makes a data directory with
three keys and the cache live-origin.

  --lan              listen on the network, and show the URL and a QR code for phones
  --faults FILE      faults and scenarios of a test rig (--profile rig), YAML or JSON
  --json             print the ready line as JSON, also on a terminal
  --config FILE      settings file (headwater.config.json)
  --port, --host     of the data plane (8080, localhost); --admin-port (8081)
  --data-dir DIR     keys and caches (.headwater)
  --profile NAME     default, dev, momento, rig or staging

Every setting has a flag: headwater config --help lists them.

Without a terminal the first line of stdout is JSON, {"event":"ready","dataPlaneUrl","adminUrl",…},
and the log goes to stderr as JSON lines.

SIGHUP reads the certificate (http.tls.*) again, SIGUSR2 opens the access log again. Sockets of a
supervisor are used when LISTEN_FDS names them (systemd).

Examples:
  headwater
  headwater serve --profile dev --port 9000
  headwater serve --lan
  headwater serve --host '*' --http-public-url https://origin.example.com
`

export const serveCommand: Command = {
  summary: 'start the origin (what happens without a command)',
  usage: USAGE,
  run: runServe,
}

async function runServe(context: CliContext, argv: readonly string[]): Promise<number> {
  const { settings, own } = await readServeSettings(context, argv, { faults: 'string' })
  const { config, sources, log } = settings
  const faultFile = await readFaults(context, settings, own.faults)
  const origin = await startOriginProcess({
    ...{ config, sources, cwd: context.cwd, clock: context.clock, log },
    inheritedSockets: context.takeInheritedSockets(),
    faultFile,
  })
  const reporter = reportOrigin({ origin, settings, context })
  // First: whoever reads that it is ready may send a signal at once.
  const stopped = context.untilStopped({
    close: async () => {
      reporter.close()
      await origin.close()
    },
    closeMsMax: closeMsMaxOf(settings),
    onStop: (reason) => tellStop(reason, settings, context),
    onReload: () => reload(origin, log),
    onUserSignal: () => origin.headwater.reopenLogs(),
  })
  if (settings.isInteractive) context.stdout.write(bannerOf(origin, settings, context))
  else announce(origin, settings, context, {})
  return stopped
}

/** `--faults`. @throws HeadwaterError `HW_CLI_USAGE` without `rig.enabled`, as {@link readFaultFile}. */
export async function readFaults(
  { cwd }: CliContext,
  { config }: ServeSettings,
  path: string | undefined,
): Promise<FaultFile | undefined> {
  if (path === undefined) return undefined
  if (!config.rig.enabled) {
    throw usageError('--faults needs a test rig.', ['Add --profile rig, or --rig-enabled.'])
  }
  return readFaultFile(cwd, path)
}

/** Whoever turns certificates over sends it; what came of it is in the log. */
function reload({ headwater }: OriginProcess, log: Logger): void {
  headwater.reloadTls().then(
    (outcome) => {
      if (outcome === undefined) log.info({ signal: 'SIGHUP' }, 'nothing to reload: no certificate')
    },
    (error: unknown) => log.error({ err: error }, 'certificate not reloaded'),
  )
}

/** The ready line, and every warning into the log. No credential is in either. */
export function announce(
  origin: OriginProcess,
  { log, warnings }: Pick<ServeSettings, 'log' | 'warnings'>,
  { stdout }: CliContext,
  more: Readonly<Record<string, unknown>>,
): void {
  const { dataPlaneUrl, tlsUrl, adminUrl, publicUrl, pid, version } = origin.info
  const { dataDir } = origin
  stdout.write(
    `${JSON.stringify({
      ...{ event: 'ready', dataPlaneUrl, tlsUrl, adminUrl, publicUrl },
      ...{ dataDir, pid, version, ...more },
    })}\n`,
  )
  for (const warning of [...warnings, ...faultWarnings(origin)]) {
    log.warn({ warning }, 'warning at start')
  }
  log.info({ dataPlaneUrl, tlsUrl, adminUrl, publicUrl, dataDir, version }, 'ready')
}

/** Events of the origin to the terminal or the log. */
export function reportOrigin(options: {
  readonly origin: OriginProcess
  readonly settings: {
    readonly isInteractive: boolean
    readonly log: Logger
    readonly paint: Painter
  }
  readonly context: { readonly stdout: CliContext['stdout']; readonly clock: Clock }
}): OriginReporter {
  const { origin, settings, context } = options
  const { clock, stdout } = context
  const { publicUrl } = origin.info
  return new OriginReporter({
    events: origin.headwater.events,
    clock,
    report: (notice) => {
      if (!settings.isInteractive) {
        logNotice(settings.log, notice, publicUrl)
        return
      }
      const time = formatClockTime(clock.nowMs())
      stdout.write(
        formatNotice(notice, {
          publicUrl,
          paint: settings.paint,
          time,
          columns: stdout.columns ?? 100,
        }),
      )
    },
  })
}

/** Time for the balancer to look away, for uploads to end, and some for the rest. */
export function closeMsMaxOf({ config }: Pick<ServeSettings, 'config'>): number {
  return (config.http.shutdownDelaySeconds + config.http.shutdownSeconds + 5) * 1000
}

export function tellStop(
  reason: string | Error,
  settings: Pick<ServeSettings, 'log' | 'isInteractive'>,
  context: CliContext,
): void {
  if (reason instanceof Error) {
    settings.log.fatal({ err: reason }, 'uncaught error: this is a bug; stopping')
  } else if (settings.isInteractive) {
    context.stdout.write('\n  Stopping. Ctrl-C again stops at once.\n')
  } else {
    settings.log.info({ signal: reason }, 'stopping')
  }
}

/** The keys that are shown: dev keys are easier to read, and no secret. */
export function shownKeys(origin: OriginProcess): { encoder: string; player: string } {
  const { config, keys } = origin.headwater
  if (config.auth.devKeys) return { encoder: DEV_ENCODER_KEY, player: DEV_PLAYER_KEY }
  return { encoder: keys.encoder, player: keys.player }
}

/** What a file has put on; later ones are told as they come. */
export function faultWarnings({ headwater }: OriginProcess): string[] {
  const rules = headwater.faults?.everybody.list() ?? []
  if (rules.length === 0) return []
  const names = rules.slice(0, 5).map(({ id, limitMs }) => `${id} for ${limitMs / 1000} s`)
  const more = rules.length > names.length ? ', …' : ''
  return [
    `faults are on (${rules.length}): ${names.join(', ')}${more}. headwater fault clear ends them`,
  ]
}

function bannerOf(origin: OriginProcess, settings: ServeSettings, context: CliContext): string {
  const { config } = origin.headwater
  const { publicUrl } = origin.info
  const colours = hasColours(context.stdout, context.env)
  const playerUrl = formatPlayerUrl({
    publicUrl,
    cacheName: FIRST_CACHE_NAME,
    playlistKey: 'playlist.m3u8',
    playerKey: shownKeys(origin).player,
  })
  const port = new URL(origin.info.dataPlaneUrl).port
  return formatBanner({
    version: VERSION,
    dataPlaneUrl: origin.info.dataPlaneUrl,
    publicUrl,
    tlsUrl: origin.info.tlsUrl,
    adminUrl: config.admin.publicUrl || origin.info.adminUrl,
    dataDir: origin.dataDir,
    encoderKeyFile: origin.pathOf(FIRST_KEY_FILES.encoder),
    hotStoreSizeBytesMax: config.hotStore.sizeBytesMax || hotStoreSizeBytesDefault(),
    cacheName: FIRST_CACHE_NAME,
    playerUrl,
    signInUrl: origin.headwater.createSignInUrl(),
    lanUrls: settings.lanAddresses.map((address) => `http://${address}:${port}`),
    qrCode: settings.lanAddresses.length === 0 ? undefined : formatQrCode(playerUrl, colours),
    devKey: config.auth.devKeys ? DEV_ENCODER_KEY : undefined,
    warnings: [...settings.warnings, ...faultWarnings(origin)],
    shell: detectShell(context.platform, context.env),
    columns: context.stdout.columns ?? 100,
    colours,
  })
}
