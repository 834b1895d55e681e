/** `headwater demo`: an origin with live channels, pushed through its public API; or channels alone. */

import { resolve } from 'node:path'
import { FIRST_CACHE_NAME } from '../app.ts'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { OwnValues } from '../config/flags.ts'
import type { Config } from '../config/schema.ts'
import type { FaultFile } from '../rig/fault-file.ts'
import type { CliContext } from './cli-context.ts'
import { usageError } from './command.ts'
import type { Command } from './command.ts'
import { credentialOfFile } from './credential-input.ts'
import { runDemoChannels } from './demo/demo.ts'
import type { DemoChannels } from './demo/demo.ts'
import type { PushTarget } from './item-client.ts'
import { parseLadder } from './demo/ladder.ts'
import { startOriginProcess, takenPort } from './origin-process.ts'
import type { OriginProcess } from './origin-process.ts'
import type { OriginReporter } from './origin-reporter.ts'
import { formatPlayerUrl, formatQrCode } from './player-link.ts'
import {
  announce,
  closeMsMaxOf,
  faultWarnings,
  readFaults,
  reportOrigin,
  shownKeys,
  tellStop,
} from './serve-command.ts'
import { readServeSettings } from './serve-settings.ts'
import type { ServeSettings } from './serve-settings.ts'
import { hasColours } from './cli-context.ts'

const USAGE = `Usage: headwater demo [--channels N] [--ladder HEIGHTS] [--input FILE] [flags of serve]
       headwater demo --push-only URL --key-file FILE [--cache NAME] [...]

Starts an origin and pushes a live channel to it like any encoder would: with ffmpeg when it is
installed, else from a small clip. Prints a page that plays it. Ctrl-C ends everything.

  --channels N           how many channels (1)
  --ladder HEIGHTS       renditions of ffmpeg's channel (480,360,240)
  --input FILE           loop this file instead of the test pattern (needs ffmpeg)
  --source WHICH         auto, ffmpeg or generator (auto)
  --cache NAME           push into this cache (live-origin)
  --lan                  listen on the network, and show a QR code for phones
  --faults FILE          faults and scenarios of a test rig (--profile rig), YAML or JSON
  --json                 print the ready line as JSON, also on a terminal

  --push-only URL        start no origin: push to the one at this URL
  --key-file FILE        its encoder key: a momento_key_info.json, or the key alone
  --key KEY              the same, for keys that are no secret (dev-encoder): the machine's other
                         users can read arguments

The demo keeps its keys in .headwater/demo, apart from those of a server in the same folder. When
port 8080 or 8081 is taken and none was asked for, it takes free ones. All flags of serve work, too.

Examples:
  headwater demo
  headwater demo --channels 3 --ladder 720,480,240
  headwater demo --input film.mp4 --lan
  headwater demo --push-only https://origin.example.com --key-file encoder-key.json
`

const DEMO_FLAGS = {
  channels: 'string',
  ladder: 'string',
  input: 'string',
  source: 'string',
  cache: 'string',
  faults: 'string',
  'push-only': 'string',
  key: 'string',
  'key-file': 'string',
} as const

/** Beside a server's own, so that both run in one folder. */
const DEMO_DATA_DIR = '.headwater/demo'
const CHANNELS_MAX = 50
/** Every run makes keys for a cache of its own; the list must not grow for ever. */
const KEY_SECONDS = 30 * 86_400

export const demoCommand: Command = {
  summary: 'an origin with a live channel that plays in your browser',
  usage: USAGE,
  run: runDemo,
}

type DemoFlags = OwnValues<typeof DEMO_FLAGS>

interface DemoChoices {
  readonly channels: number
  readonly ladder: readonly number[] | undefined
  readonly input: string | undefined
  readonly source: 'auto' | 'ffmpeg' | 'generator'
  readonly cacheName: string
}

async function runDemo(context: CliContext, argv: readonly string[]): Promise<number> {
  const { settings, own } = await readServeSettings(context, argv, DEMO_FLAGS)
  const choices = readChoices(own, context)
  const tell = progressOf(settings, context)
  if (settings.isInteractive) context.stdout.write(`\n  Headwater ${VERSION}, the demo.\n\n`)
  const pushUrl = own['push-only']
  if (pushUrl !== undefined) {
    if (own.faults !== undefined) throw usageError('--faults is for an origin of its own.')
    const target = {
      dataPlaneUrl: checkPushUrl(pushUrl),
      cacheName: choices.cacheName,
      encoderKey: await readEncoderKey(own, context),
    }
    const demo = await startChannels({ target, choices, context, tell })
    return runUntilStopped({ demo, settings, context, choices, target })
  }
  if (own.key !== undefined || own['key-file'] !== undefined) {
    throw usageError('--key and --key-file are for --push-only.')
  }
  const faultFile = await readFaults(context, settings, own.faults)
  const origin = await startDemoOrigin({ settings, context, tell, faultFile })
  const reporter = reportOrigin({ origin, settings, context })
  try {
    const keys = await keysFor(origin, choices.cacheName)
    const target = {
      dataPlaneUrl: origin.info.dataPlaneUrl,
      cacheName: choices.cacheName,
      encoderKey: keys.encoder,
    }
    const paceClock = origin.headwater.clock
    const demo = await startChannels({ target, choices, context, tell, paceClock })
    const server = { origin, reporter, playerKey: keys.player }
    return await runUntilStopped({ demo, settings, context, choices, target, server })
  } catch (error) {
    reporter.close()
    await origin.close()
    throw error
  }
}

interface Running {
  readonly demo: DemoChannels
  readonly settings: ServeSettings
  readonly context: CliContext
  readonly choices: DemoChoices
  readonly target: PushTarget
  /** Absent when it only pushes. */
  readonly server?: {
    readonly origin: OriginProcess
    readonly reporter: OriginReporter
    readonly playerKey: string
  }
}

async function runUntilStopped(running: Running): Promise<number> {
  const { demo, settings, context, server } = running
  let isStopping = false
  const close = async () => {
    isStopping = true
    await demo.close()
    server?.reporter.close()
    await server?.origin.close()
  }
  const stopped = context.untilStopped({
    close,
    closeMsMax: closeMsMaxOf(settings),
    onStop: (reason) => tellStop(reason, settings, context),
    onUserSignal: () => server?.origin.headwater.reopenLogs(),
    // SIGHUP ends it, too: ffmpeg runs in a group of its own and would push on without the terminal.
  })
  const failure = await Promise.race([
    demo.ready.then(() => undefined).catch((error: unknown) => error),
    stopped.then(() => undefined),
  ])
  if (isStopping) return stopped
  if (failure !== undefined) {
    if (!settings.isInteractive || !(failure instanceof HeadwaterError)) {
      await close()
      throw failure instanceof Error ? failure : new Error('the demo failed')
    }
    // Slow machines get there later; the person sees what is missing and decides.
    context.stderr.write(`\n${failure.message}\n${failure.detail ?? ''}\nStill trying.\n\n`)
  }
  tellReady(running)
  return stopped
}

function tellReady({ demo, settings, context, choices, target, server }: Running): void {
  const publicUrl = server?.origin.info.publicUrl ?? target.dataPlaneUrl
  const playerUrls = demo.channels.map(({ playlistKey }) =>
    formatPlayerUrl({
      ...{ publicUrl, cacheName: choices.cacheName, playlistKey },
      playerKey: server?.playerKey,
    }),
  )
  if (!settings.isInteractive) {
    const { source } = demo
    if (server !== undefined) announce(server.origin, settings, context, { source, playerUrls })
    else {
      const { dataPlaneUrl } = target
      context.stdout.write(
        `${JSON.stringify({ event: 'ready', dataPlaneUrl, source, playerUrls })}\n`,
      )
    }
    return
  }
  const { paint } = settings
  const [first = ''] = playerUrls
  const colours = hasColours(context.stdout, context.env)
  const qrCode = settings.lanAddresses.length === 0 ? '' : `\n${formatQrCode(first, colours)}\n`
  context.stdout.write(
    [
      '',
      `  ${paint.bold('Watch')} it in a browser:`,
      '',
      ...playerUrls,
      qrCode,
      ...(server === undefined ? [] : whereLines(server.origin, settings)),
      ...[...settings.warnings, ...(server === undefined ? [] : faultWarnings(server.origin))].map(
        (warning) => paint.yellow(`  WARNING: ${warning}\n`),
      ),
      `  ${paint.dim('Ctrl-C ends everything.')}`,
      '',
      '',
    ].join('\n'),
  )
}

function whereLines(
  { info, dataDir, headwater }: OriginProcess,
  { paint }: ServeSettings,
): readonly string[] {
  return [
    `  ${paint.bold('Open the console')}: this link signs you in, once, within 10 minutes.`,
    '',
    headwater.createSignInUrl(),
    '',
    `  ${paint.dim('Origin')}  ${info.publicUrl}`,
    `  ${paint.dim('Admin')}   ${info.adminUrl}`,
    `  ${paint.dim('Keys')}    ${dataDir}  ${paint.dim('(headwater key list --data-dir …)')}`,
    '',
  ]
}

/** Its own data directory, and free ports where the default ones are taken. */
async function startDemoOrigin(start: {
  readonly settings: ServeSettings
  readonly context: CliContext
  readonly tell: (line: string) => void
  readonly faultFile: FaultFile | undefined
}): Promise<OriginProcess> {
  const { settings, context, tell, faultFile } = start
  const { sources, log } = settings
  const isDefault = (path: string) => sources.get(path) === 'default'
  const config: Config = {
    ...settings.config,
    ...(isDefault('dataDir') ? { dataDir: DEMO_DATA_DIR } : {}),
  }
  const options = { sources, cwd: context.cwd, clock: context.clock, log, faultFile }
  try {
    return await startOriginProcess({ ...options, config })
  } catch (error) {
    const taken = takenPort(error)
    // With --lan the printed URL has the port already.
    const mayMoveHttp = isDefault('http.port') && settings.lanAddresses.length === 0
    const mayMoveAdmin = isDefault('admin.port')
    const isAdmin = taken === 'admin'
    if (taken === undefined || taken === 'tls') throw error
    if (!(isAdmin ? mayMoveAdmin : mayMoveHttp)) throw error
    tell(`Port ${isAdmin ? config.admin.port : config.http.port} is taken: using free ones.`)
    return startOriginProcess({
      ...options,
      config: {
        ...config,
        http: mayMoveHttp ? { ...config.http, port: 0 } : config.http,
        admin: mayMoveAdmin ? { ...config.admin, port: 0 } : config.admin,
      },
    })
  }
}

/** The first start's keys, or keys for another cache, which is made when it is not there. */
async function keysFor(
  origin: OriginProcess,
  cacheName: string,
): Promise<{ readonly encoder: string; readonly player: string }> {
  const { headwater } = origin
  if (cacheName === FIRST_CACHE_NAME) return shownKeys(origin)
  await headwater.createCache(cacheName).catch((error: unknown) => {
    if (!(error instanceof HeadwaterError) || error.code !== 'HW_CACHE_EXISTS') throw error
  })
  const key = { caches: [cacheName], description: 'demo', expiresInSeconds: KEY_SECONDS }
  const encoder = await headwater.mintKey({ ...key, role: 'readwrite' })
  const player = await headwater.mintKey({ ...key, role: 'readonly' })
  return { encoder: encoder.apiKey, player: player.apiKey }
}

function startChannels(options: {
  readonly target: PushTarget
  readonly choices: DemoChoices
  readonly context: CliContext
  readonly tell: (line: string) => void
  readonly paceClock?: Clock | undefined
}): Promise<DemoChannels> {
  const { target, choices, context, tell, paceClock } = options
  const { channels, ladder, input, source } = choices
  return runDemoChannels({
    origin: target,
    clock: context.clock,
    paceClock,
    channels,
    source,
    onProgress: tell,
    ...(ladder === undefined ? {} : { ladder }),
    ...(input === undefined ? {} : { input }),
  })
}

function progressOf(settings: ServeSettings, context: CliContext): (line: string) => void {
  if (!settings.isInteractive) return (line) => settings.log.info({ progress: line }, 'demo')
  return (line) => {
    context.stdout.write(`  ${line.replaceAll('\n', '\n  ')}\n`)
  }
}

function readChoices(own: DemoFlags, context: CliContext): DemoChoices {
  const channels = Number(own.channels ?? 1)
  if (!/^\d+$/.test(own.channels ?? '1') || channels < 1 || channels > CHANNELS_MAX) {
    throw usageError(`--channels is a number from 1 to ${CHANNELS_MAX}.`)
  }
  const source = own.source ?? 'auto'
  if (source !== 'auto' && source !== 'ffmpeg' && source !== 'generator') {
    throw usageError('--source is auto, ffmpeg or generator.')
  }
  const cacheName = own.cache ?? FIRST_CACHE_NAME
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(cacheName)) {
    throw usageError('--cache: a cache name is 1 to 255 of A-Z a-z 0-9 . _ -')
  }
  return {
    ...{ channels, source, cacheName },
    ladder: own.ladder === undefined ? undefined : parseLadder(own.ladder),
    input: own.input === undefined ? undefined : resolve(context.cwd, own.input),
  }
}

function checkPushUrl(text: string): string {
  if (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '')
  throw usageError('--push-only needs the URL of an origin.', ['Such as http://127.0.0.1:8080'])
}

async function readEncoderKey(own: DemoFlags, context: CliContext): Promise<string> {
  const file = own['key-file']
  if ((own.key === undefined) === (file === undefined)) {
    throw usageError('--push-only needs the encoder key of that origin.', [
      'Give its file with --key-file (encoder-key.json in its data directory), or a dev key with --key.',
    ])
  }
  return own.key ?? credentialOfFile(resolve(context.cwd, file ?? ''))
}
