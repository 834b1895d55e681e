/** The command line of `headwater doctor`: the URL, and keys from a flag, a file or the environment. */

import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseSettingsFlags } from '../../config/flags.ts'
import type { CliContext } from '../cli-context.ts'
import { usageError } from '../command.ts'

export interface DoctorArguments {
  /** `http:` or `https:`, without a credential. */
  readonly url: string
  readonly key: string | undefined
  readonly secondKey: string | undefined
  readonly asJson: boolean
}

const OWN = {
  key: 'string',
  'key-file': 'string',
  'second-key': 'string',
  'second-key-file': 'string',
  json: 'boolean',
} as const

export const KEY_ENV_NAME = 'HEADWATER_DOCTOR_KEY'
export const SECOND_KEY_ENV_NAME = 'HEADWATER_DOCTOR_SECOND_KEY'

/** A key's file is small; anything else is the wrong file. */
const KEY_FILE_BYTES_MAX = 65_536

/** @throws HeadwaterError `HW_CLI_USAGE`. Its words never hold a credential. */
export function readDoctorArguments(
  context: Pick<CliContext, 'env' | 'cwd'>,
  argv: readonly string[],
): DoctorArguments {
  const { flags, own, positionals, problems } = parseSettingsFlags(argv, OWN)
  const wrong = [
    ...problems.map(({ setting, fix }) => `${setting}: ${fix}`),
    ...[...flags.values()].map(({ flag }) => `${flag}: is a setting of the server, not for doctor`),
  ]
  if (wrong.length > 0) throw usageError('The command line is not valid.', wrong)
  const [text, ...extra] = positionals
  if (text === undefined) {
    throw usageError('URL is missing.', ['headwater doctor https://cdn.example.com/playlist.m3u8'])
  }
  if (extra.length > 0) throw usageError('One URL at a time.')
  const { url, key: keyOfUrl } = readUrl(text)
  const { env, cwd } = context
  return {
    url,
    key:
      readKey({ flag: own.key, file: own['key-file'], env: env[KEY_ENV_NAME], cwd }, '--key') ??
      keyOfUrl,
    secondKey: readKey(
      {
        ...{ flag: own['second-key'], file: own['second-key-file'] },
        ...{ env: env[SECOND_KEY_ENV_NAME], cwd },
      },
      '--second-key',
    ),
    asJson: own.json === true,
  }
}

/** People paste a player's URL: its `token=`, or the password in it, is the key. */
function readUrl(text: string): { readonly url: string; readonly key: string | undefined } {
  let url: URL
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  } catch {
    throw usageError('This is not a URL.', [
      'Write it whole: headwater doctor https://cdn.example.com/playlist.m3u8',
    ])
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usageError('Only http:// and https:// can be asked.')
  }
  const token = url.searchParams.get('token') ?? ''
  const { username, password } = url
  const withoutToken = url.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !/^token=/.test(part))
  url.search = withoutToken.join('&')
  url.username = ''
  url.password = ''
  url.hash = ''
  const userInfo = percentDecode(password === '' ? username : password)
  const key = token === '' ? userInfo : token
  return { url: url.href, key: key === '' ? undefined : key }
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not percent-encoding: taken as it is.
    return text
  }
}

interface KeySources {
  readonly flag: string | undefined
  readonly file: string | undefined
  readonly env: string | undefined
  readonly cwd: string
}

function readKey({ flag, file, env, cwd }: KeySources, name: string): string | undefined {
  if (flag !== undefined && file !== undefined) {
    throw usageError(`Give ${name} or ${name}-file, not both.`)
  }
  const text = file === undefined ? (flag ?? env ?? '') : readKeyFile(file, cwd, name)
  const key = text.trim()
  if (key === '') return undefined
  if (!/^[\x20-\x7e]+$/.test(key)) {
    throw usageError(`The key of ${name} has characters that no header carries.`)
  }
  return key
}

/** The key itself, or a file with `apiKey` in it, as `key create --json` and the data directory have. */
function readKeyFile(file: string, cwd: string, name: string): string {
  const path = isAbsolute(file) ? file : join(cwd, file)
  let text: string
  try {
    if (statSync(path).size > KEY_FILE_BYTES_MAX) throw new RangeError('it is too large')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof RangeError ? error.message : 'it is not there, or not readable'
    throw usageError(`${name}-file cannot be read: ${why}.`, [path])
  }
  if (!text.trimStart().startsWith('{')) return text
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content === 'object' && content !== null && 'apiKey' in content) {
      if (typeof content.apiKey === 'string') return content.apiKey
    }
  } catch {
    // The parser's words quote the key: they go no further.
  }
  throw usageError(`${name}-file has no apiKey.`, [path])
}
