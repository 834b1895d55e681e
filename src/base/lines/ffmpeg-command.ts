/**
 * The ready ffmpeg line, quoted for the shell it will be pasted into: what the terminal prints and the
 * console shows. Runs in browsers, too.
 */

import type { FfmpegArguments, FfmpegEncoding } from './ffmpeg-arguments.ts'
import { toFragmentedArguments, toLadderArguments, toSingleArguments } from './ffmpeg-arguments.ts'
import { toLadder } from './ladder.ts'

/** `bash` stands for every POSIX-like shell with `$'…'`: bash, zsh, ksh. */
export type CommandShell = 'bash' | 'powershell' | 'cmd'

export interface FfmpegCommandOptions {
  readonly shell: CommandShell
  /** One rendition (720p30), the same in fMP4, or the guide's ladder of 720p30, 480p30 and 240p30. */
  readonly variant: 'single' | 'ladder' | 'fmp4'
  readonly dataPlaneUrl: string
  readonly cacheName: string
  /** Printed as it is: give a placeholder where the output is not for the key's owner. */
  readonly encoderKey: string
  /** Before every name; '' when absent. */
  readonly keyPrefix?: string
  /** 3600 when absent. */
  readonly ttlSeconds?: number
}

const FRAMES_PER_SECOND = 30

/** How the lines that people paste encode. */
export const LINE_ENCODING: FfmpegEncoding = {
  framesPerSecond: FRAMES_PER_SECOND,
  segmentSeconds: 2,
  preset: 'veryfast',
  multivariantEverySegments: 15,
}

/**
 * A command line that pushes a test pattern, over several lines with the shell's continuation. The
 * cmd line is for the prompt, not for a batch file (there every `%` would have to be doubled).
 */
export function formatFfmpegCommand(options: FfmpegCommandOptions): string {
  const source = { kind: 'pattern' } as const
  const target = {
    dataPlaneUrl: options.dataPlaneUrl,
    cacheName: options.cacheName,
    encoderKey: options.encoderKey,
    keyPrefix: options.keyPrefix ?? '',
    ttlSeconds: options.ttlSeconds ?? 3600,
  }
  const ladder = toLadder([720, 480, 240], FRAMES_PER_SECOND)
  const [top] = ladder
  if (options.variant === 'ladder' || top === undefined) {
    const groups = toLadderArguments(ladder, source, LINE_ENCODING, target)
    return formatCommand(options.shell, 'ffmpeg', groups)
  }
  const build = options.variant === 'fmp4' ? toFragmentedArguments : toSingleArguments
  return formatCommand(options.shell, 'ffmpeg', build(top, source, LINE_ENCODING, target))
}

const CONTINUATION: Readonly<Record<CommandShell, string>> = {
  bash: ' \\\n  ',
  powershell: ' `\n  ',
  cmd: ' ^\n  ',
}

/** A command and its arguments for a shell, one group a line. */
export function formatCommand(
  shell: CommandShell,
  command: string,
  groups: FfmpegArguments,
): string {
  const lines = groups.map((group) => group.map((text) => quoteArgument(shell, text)).join(' '))
  return [command, ...lines].join(CONTINUATION[shell])
}

/**
 * Breaks long lines before an option, at about this width. What is quoted has no option in it.
 *
 * @param command  Of {@link formatCommand}, for the same shell.
 */
export function wrapCommand(command: string, shell: CommandShell, columns: number): string {
  const continuation = CONTINUATION[shell]
  const widthMax = columns - continuation.length
  return command
    .split(continuation)
    .flatMap((line) => {
      const lines: string[] = []
      for (const part of line.split(/ (?=-[a-z])/)) {
        const last = lines.at(-1)
        if (last === undefined || last.length + 1 + part.length > widthMax) lines.push(part)
        else lines[lines.length - 1] = `${last} ${part}`
      }
      return lines
    })
    .join(continuation)
}

/** Characters that mean nothing to any of the shells. `=` and `,` do to cmd and PowerShell. */
const PLAIN = /^[A-Za-z0-9_./:+-]+$/

/** One argument, quoted where the shell needs it. */
export function quoteArgument(shell: CommandShell, text: string): string {
  if (PLAIN.test(text)) return text
  if (shell === 'bash') {
    return /[\r\n]/.test(text)
      ? `$'${text.replace(/[\\']/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n')}'`
      : `'${text.replaceAll("'", "'\\''")}'`
  }
  if (shell === 'powershell') {
    return /[\r\n]/.test(text)
      ? `"${text.replace(/[`"$]/g, '`$&').replaceAll('\r', '`r').replaceAll('\n', '`n')}"`
      : `'${text.replaceAll("'", "''")}'`
  }
  // cmd cannot write a line break into an argument. At a header's end it is not needed: ffmpeg adds
  // it and says so. A quote is doubled as the C runtime of ffmpeg reads it.
  return `"${text.replace(/[\r\n]+$/, '').replaceAll('"', '""')}"`
}
