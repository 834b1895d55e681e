/** The lines that a person pastes: for which shell, and how that shell gets the encoder's key. */

import { formatFfmpegCommand, quoteArgument, wrapCommand } from '../base/lines/ffmpeg-command.ts'
import type { CommandShell } from '../base/lines/ffmpeg-command.ts'

/**
 * The shell that a printed command is for. On Windows PowerShell adds the user's own folder to
 * `PSModulePath`, which cmd has without it.
 */
export function detectShell(
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
): CommandShell {
  if (platform !== 'win32') return 'bash'
  // Git Bash and its relatives.
  if ((env['MSYSTEM'] ?? '') !== '' || (env['SHELL'] ?? '') !== '') return 'bash'
  return /\\Users\\|\\Documents\\/i.test(env['PSModulePath'] ?? '') ? 'powershell' : 'cmd'
}

export interface PushLinesOptions {
  readonly shell: CommandShell
  readonly publicUrl: string
  readonly cacheName: string
  /** Absolute path of a file with `apiKey` in it; the key itself stays off the screen. */
  readonly keyFile: string
  /** A dev key, which is no secret: written into the command instead. */
  readonly devKey?: string | undefined
  /** Lines are broken between two options at about this width. */
  readonly columns: number
}

/** Stands for the key while the command is quoted; plain in every shell. */
const PLACEHOLDER = 'HEADWATER-ENCODER-KEY'

/** A line that reads the key into `KEY`, and the ffmpeg command that uses it. */
export function formatPushLines(options: PushLinesOptions): string {
  const { shell, publicUrl, cacheName, keyFile, devKey, columns } = options
  const command = formatFfmpegCommand({
    shell,
    variant: 'single',
    dataPlaneUrl: publicUrl,
    cacheName,
    encoderKey: devKey ?? PLACEHOLDER,
  })
  const wrapped = wrapCommand(command, shell, columns)
  if (devKey !== undefined) return wrapped
  return `${readKeyLine(shell, keyFile)}\n${withVariable(wrapped, shell)}`
}

function readKeyLine(shell: CommandShell, keyFile: string): string {
  switch (shell) {
    case 'bash':
      return `KEY=$(node -p ${quoteArgument('bash', `require(${JSON.stringify(keyFile)}).apiKey`)})`
    case 'powershell': {
      const file = quoteArgument('powershell', keyFile)
      return `$KEY = (Get-Content -Raw ${file} | ConvertFrom-Json).apiKey`
    }
    case 'cmd': {
      // Slashes: a backslash would be an escape in the string that Node reads.
      const file = keyFile.replaceAll('\\', '/')
      return `for /f "usebackq delims=" %k in (\`node -p "require('${file}').apiKey"\`) do @set "KEY=%k"`
    }
  }
}

/** The placeholder becomes the variable, where the shell looks into the quotes. */
function withVariable(command: string, shell: CommandShell): string {
  switch (shell) {
    case 'bash':
      return command.replace(
        `$'Authorization: ${PLACEHOLDER}\\r\\n'`,
        () => `"Authorization: $KEY"$'\\r\\n'`,
      )
    case 'powershell':
      return command.replace(PLACEHOLDER, () => '$KEY')
    case 'cmd':
      return command.replace(PLACEHOLDER, () => '%KEY%')
  }
}
