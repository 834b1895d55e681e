/**
 * The demo's live channels: pushed by ffmpeg when it can, else by the built-in generator. They know
 * a base URL, a cache and a key, nothing of the server: `--push-only` gives them somebody else's.
 */

import type { Clock } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { readDemoClip } from './demo-clip.ts'
import { detectFfmpeg, probeInput } from './detect-ffmpeg.ts'
import type { FfmpegAbilities } from './detect-ffmpeg.ts'
import { toLadderArguments } from '../../base/lines/ffmpeg-arguments.ts'
import type { FfmpegSource } from '../../base/lines/ffmpeg-arguments.ts'
import { toLadder } from '../../base/lines/ladder.ts'
import { FfmpegChannel } from './ffmpeg-channel.ts'
import { ClipGenerator } from './generator.ts'
import { ItemClient } from '../item-client.ts'
import type { PushTarget } from '../item-client.ts'
import { DEMO_FRAMES_PER_SECOND, DEMO_LADDER_HEIGHTS } from './ladder.ts'
import { waitUntilPlayable } from './playable-probe.ts'

export interface DemoOptions {
  readonly origin: PushTarget
  readonly clock: Clock
  /** The pace of the generator's channels, where it is another: a test rig's. ffmpeg has its own. */
  readonly paceClock?: Clock | undefined
  /** Keys begin with `demo/`, `demo-2/`, `demo-3/`, … 1 when absent. */
  readonly channels?: number
  /** Heights of ffmpeg's renditions; `parseLadder` makes them. The generator has its own three. */
  readonly ladder?: readonly number[]
  /** A file to loop instead of the test pattern. Needs ffmpeg. */
  readonly input?: string
  /** `auto` when absent: ffmpeg when it can do all that is needed, else the generator. */
  readonly source?: 'auto' | 'ffmpeg' | 'generator'
  /** What happens, one line each, without credentials. */
  readonly onProgress: (line: string) => void
  /** The ffmpeg to run; found on the path when absent. */
  readonly ffmpegCommand?: string
  /** How long {@link DemoChannels.ready} waits; 30 s when absent. */
  readonly readyTimeoutMs?: number
}

export interface DemoChannels {
  readonly channels: readonly { readonly playlistKey: string }[]
  readonly source: 'ffmpeg' | 'generator'
  /**
   * Settles when the playlists and a segment of every channel can be read.
   *
   * @throws HeadwaterError `HW_DEMO_FAILED` with what is missing. The channels go on trying.
   */
  readonly ready: Promise<void>
  /** Ends the channels and their processes. Items stay until their TTL. */
  close(): Promise<void>
}

interface Channel {
  readonly playlistKey: string
  start(): void
  close(): Promise<void>
  /** Why it does not get going, when it knows. */
  readonly lastWords?: string
}

const SEGMENT_SECONDS = 2
const READY_TIMEOUT_MS = 30_000
/** Ten times the window: no item of a running channel expires, and an hour of demo stays small. */
const TTL_SECONDS = 300
const MULTIVARIANT_EVERY_SEGMENTS = 15

/**
 * Starts the channels.
 *
 * @throws HeadwaterError `HW_DEMO_FAILED` when ffmpeg is needed and cannot do it, or the input file
 * cannot be read.
 */
export async function runDemoChannels(options: DemoOptions): Promise<DemoChannels> {
  const ffmpeg = await chooseFfmpeg(options)
  const keyPrefixes = Array.from({ length: options.channels ?? 1 }, (_, index) =>
    index === 0 ? 'demo/' : `demo-${index + 1}/`,
  )
  const channels: readonly Channel[] =
    ffmpeg === undefined
      ? await makeGenerators(options, keyPrefixes)
      : await makeFfmpegChannels(options, ffmpeg, keyPrefixes)
  for (const channel of channels) channel.start()

  let isClosed = false
  const probe = new ItemClient(options.origin)
  const ready = Promise.all(
    channels.map((channel) => awaitPlayable(options, probe, channel, () => isClosed)),
  ).then(() => undefined)
  // Who does not wait for it shall not be ended by it.
  ready.catch(() => undefined)
  return {
    channels,
    source: ffmpeg === undefined ? 'generator' : 'ffmpeg',
    ready,
    close: async () => {
      isClosed = true
      probe.close()
      await Promise.all(channels.map((channel) => channel.close()))
    },
  }
}

async function awaitPlayable(
  options: DemoOptions,
  probe: ItemClient,
  channel: Channel,
  isCancelled: () => boolean,
): Promise<void> {
  const startedAtMs = options.clock.monotonicMs()
  const problem = await waitUntilPlayable(probe, channel.playlistKey, {
    clock: options.clock,
    timeoutMs: options.readyTimeoutMs ?? READY_TIMEOUT_MS,
    isCancelled,
  })
  if (problem !== undefined) {
    const words = channel.lastWords ?? ''
    throw new HeadwaterError(
      'HW_DEMO_FAILED',
      `The demo channel ${channel.playlistKey} cannot be played yet: ${problem}.`,
      words === '' ? {} : { detail: `ffmpeg's last words:\n${words}` },
    )
  }
  const tookSeconds = (options.clock.monotonicMs() - startedAtMs) / 1000
  options.onProgress(`${channel.playlistKey} is live (after ${tookSeconds.toFixed(1)} s).`)
}

/** The ffmpeg to use, or `undefined` for the generator; says why when it falls back. */
async function chooseFfmpeg(options: DemoOptions): Promise<FfmpegAbilities | undefined> {
  const source = options.source ?? 'auto'
  if (source === 'generator' && options.input === undefined) return undefined
  if (source === 'generator') {
    throw new HeadwaterError('HW_DEMO_FAILED', 'The built-in generator cannot play a file.', {
      detail: 'Leave --input out, or let ffmpeg push it.',
    })
  }
  options.onProgress('Looking for ffmpeg…')
  const command = options.ffmpegCommand
  const ffmpeg = await detectFfmpeg(command === undefined ? {} : { command })
  const problem = formatFfmpegProblem(ffmpeg, options.input === undefined)
  if (problem === undefined) return ffmpeg
  if (source === 'ffmpeg' || options.input !== undefined) {
    throw new HeadwaterError('HW_DEMO_FAILED', `ffmpeg is needed, but ${problem}.`, {
      detail: `${INSTALL_HINT} Without --input the built-in generator can push instead.`,
    })
  }
  options.onProgress(`${problem}: the built-in generator pushes its clip instead.`)
  return undefined
}

const INSTALL_HINT =
  'Install ffmpeg: "apt install ffmpeg", "brew install ffmpeg", "winget install ffmpeg".'

function formatFfmpegProblem(ffmpeg: FfmpegAbilities, needsClock: boolean): string | undefined {
  if (!ffmpeg.found) return 'ffmpeg is not installed'
  const lacking = [
    ffmpeg.hasLibx264 ? '' : 'libx264',
    ffmpeg.hasAac ? '' : 'aac',
    ffmpeg.hasHlsPush ? '' : 'the HLS options for pushing',
    // A file has its own picture; only the pattern needs the clock drawn.
    ffmpeg.hasDrawtext || !needsClock ? '' : 'a working drawtext (the filter, or a font)',
  ].filter((name) => name !== '')
  return lacking.length === 0 ? undefined : `ffmpeg ${ffmpeg.version} lacks ${lacking.join(', ')}`
}

async function makeGenerators(
  options: DemoOptions,
  keyPrefixes: readonly string[],
): Promise<readonly Channel[]> {
  const clip = await readDemoClip()
  const names = clip.renditions.map(({ name }) => name).join(', ')
  options.onProgress(`Pushing ${formatCount(keyPrefixes)} with the built-in generator (${names})…`)
  return keyPrefixes.map(
    (keyPrefix) =>
      new ClipGenerator({
        client: new ItemClient(options.origin),
        clip,
        clock: options.paceClock ?? options.clock,
        keyPrefix,
        ttlSeconds: TTL_SECONDS,
        onProgress: options.onProgress,
      }),
  )
}

async function makeFfmpegChannels(
  options: DemoOptions,
  ffmpeg: FfmpegAbilities,
  keyPrefixes: readonly string[],
): Promise<readonly Channel[]> {
  const command = options.ffmpegCommand ?? 'ffmpeg'
  const source = await toSource(options.input, ffmpeg, command)
  const ladder = toLadder(options.ladder ?? DEMO_LADDER_HEIGHTS, DEMO_FRAMES_PER_SECOND)
  const names = ladder.map(({ name }) => name).join(', ')
  options.onProgress(
    `Pushing ${formatCount(keyPrefixes)} with ffmpeg ${ffmpeg.version} (${names})…`,
  )
  const encoding = {
    framesPerSecond: DEMO_FRAMES_PER_SECOND,
    segmentSeconds: SEGMENT_SECONDS,
    preset: 'ultrafast',
    multivariantEverySegments: MULTIVARIANT_EVERY_SEGMENTS,
  }
  return keyPrefixes.map((keyPrefix) => {
    const target = { ...options.origin, keyPrefix, ttlSeconds: TTL_SECONDS }
    return new FfmpegChannel({
      args: toLadderArguments(ladder, source, encoding, target).flat(),
      playlistKey: `${keyPrefix}playlist.m3u8`,
      clock: options.clock,
      encoderKey: options.origin.encoderKey,
      command,
      onProgress: options.onProgress,
    })
  })
}

async function toSource(
  input: string | undefined,
  ffmpeg: FfmpegAbilities,
  command: string,
): Promise<FfmpegSource> {
  if (input === undefined) {
    return ffmpeg.clockFontFile === undefined
      ? { kind: 'pattern' }
      : { kind: 'pattern', clockFontFile: ffmpeg.clockFontFile }
  }
  const probed = await probeInput(input, { command })
  if (typeof probed === 'string') {
    throw new HeadwaterError('HW_DEMO_FAILED', `The input cannot be used: ${probed}.`)
  }
  return { kind: 'file', path: input, hasAudio: probed.hasAudio }
}

function formatCount(keyPrefixes: readonly string[]): string {
  return keyPrefixes.length === 1 ? 'a live channel' : `${keyPrefixes.length} live channels`
}
