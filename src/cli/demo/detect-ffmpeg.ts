/**
 * What the ffmpeg on this machine can do, by trying: a listed drawtext filter may still find no
 * font, and Homebrew builds have no drawtext at all.
 */

import { execFile } from 'node:child_process'
import { formatClockFilter } from '../../base/lines/ffmpeg-arguments.ts'

export interface FfmpegAbilities {
  readonly found: boolean
  /** As ffmpeg writes it, `5.1.9-0+deb12u1`; '' when not found. */
  readonly version: string
  readonly hasLibx264: boolean
  readonly hasAac: boolean
  /** The HLS muxer knows the options that a push needs (4.3 and later). */
  readonly hasHlsPush: boolean
  readonly hasDrawtext: boolean
  /** The font with which drawtext works; '' is ffmpeg's own choice. Absent without drawtext. */
  readonly clockFontFile: string | undefined
}

/** Runs a command to its end. Injected by tests. */
export type RunCommand = (
  command: string,
  args: readonly string[],
) => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>

/** For builds without fontconfig (Windows) or without its configuration (bare containers). */
const FONT_FILES = [
  '',
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/TTF/DejaVuSans.ttf',
  '/usr/share/fonts/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf',
  '/System/Library/Fonts/Helvetica.ttc',
  'C:/Windows/Fonts/arial.ttf',
]
const COMMAND_TIMEOUT_MS = 10_000
const HLS_OPTIONS = [
  'http_persistent',
  'ignore_io_errors',
  'master_pl_publish_rate',
  'var_stream_map',
]

/** Tries ffmpeg (about 0.5 s). Never throws: no ffmpeg is an answer. */
export async function detectFfmpeg(
  options: { readonly command?: string; readonly run?: RunCommand } = {},
): Promise<FfmpegAbilities> {
  const command = options.command ?? 'ffmpeg'
  const run = options.run ?? runCommand
  const versionRun = await run(command, ['-hide_banner', '-version'])
  const version = /ffmpeg version (\S+)/.exec(versionRun.stdout)?.[1]
  if (versionRun.exitCode !== 0 || version === undefined) return NOT_FOUND
  const [encoders, muxer, clockFontFile] = await Promise.all([
    run(command, ['-hide_banner', '-encoders']),
    run(command, ['-hide_banner', '-h', 'muxer=hls']),
    findClockFont(command, run),
  ])
  return {
    found: true,
    version,
    hasLibx264: /\slibx264\s/.test(encoders.stdout),
    hasAac: /\saac\s/.test(encoders.stdout),
    hasHlsPush: HLS_OPTIONS.every((name) => muxer.stdout.includes(`-${name}`)),
    hasDrawtext: clockFontFile !== undefined,
    clockFontFile,
  }
}

/**
 * What an input file holds.
 *
 * @returns A sentence (ffmpeg's own) when the file cannot be read or has no picture.
 */
export async function probeInput(
  path: string,
  options: { readonly command?: string; readonly run?: RunCommand } = {},
): Promise<{ readonly hasAudio: boolean } | string> {
  const run = options.run ?? runCommand
  // Without an output ffmpeg always fails; it lists the input's streams before it does.
  const { stderr } = await run(options.command ?? 'ffmpeg', [
    '-hide_banner',
    '-nostdin',
    '-i',
    path,
  ])
  if (/Stream #\S+.*: Video:/.test(stderr)) {
    return { hasAudio: /Stream #\S+.*: Audio:/.test(stderr) }
  }
  if (/Stream #/.test(stderr)) return `${path}: the file has no video`
  return stderr.trim().split(/\r?\n/).at(-1) ?? `${path}: cannot be read`
}

const NOT_FOUND: FfmpegAbilities = {
  found: false,
  version: '',
  hasLibx264: false,
  hasAac: false,
  hasHlsPush: false,
  hasDrawtext: false,
  clockFontFile: undefined,
}

async function findClockFont(command: string, run: RunCommand): Promise<string | undefined> {
  for (const fontFile of FONT_FILES) {
    const input = ['-f', 'lavfi', '-i', 'color=size=320x180:rate=25:duration=0.04']
    const filter = ['-vf', formatClockFilter(fontFile), '-f', 'null', '-']
    const { exitCode } = await run(command, ['-v', 'error', '-nostdin', ...input, ...filter])
    if (exitCode === 0) return fontFile
  }
  return undefined
}

const runCommand: RunCommand = (command, args) =>
  new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: COMMAND_TIMEOUT_MS, windowsHide: true, maxBuffer: 4 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ exitCode, stdout, stderr })
      },
    )
  })
