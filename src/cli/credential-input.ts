/** Secrets that a command is given: never as an argument, never repeated in a message. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HeadwaterError } from '../base/errors.ts'
import type { CliContext, TextInput } from './cli-context.ts'
import { usageError } from './command.ts'

const TEXT_BYTES_MAX = 64 * 1024

/** From the file, the variable, a person, or stdin. */
export async function readCredential(
  context: CliContext,
  { file, envName }: { readonly file: string | undefined; readonly envName: string | undefined },
): Promise<string> {
  if (file !== undefined && envName !== undefined) {
    throw usageError('--from-file and --credential-env exclude each other.')
  }
  if (envName !== undefined) {
    const value = context.env[envName] ?? ''
    if (value === '') throw usageError(`The environment variable ${envName} is not set.`)
    return value
  }
  if (file !== undefined) return credentialOfFile(resolve(context.cwd, file))
  if (context.stdin.isTTY === true) {
    return (await context.ask('Paste the credential, it is not shown: ', { secret: true })).trim()
  }
  const text = (await readText(context.stdin)).trim()
  if (text === '')
    throw usageError('Nothing came on stdin.', ['The credential is read from there.'])
  return text
}

/** @throws HeadwaterError HW_CLI_USAGE when it cannot be read. Its content is never repeated. */
export function credentialOfFile(path: string): Promise<string> {
  return memberOfFile(path, 'apiKey')
}

/** A member of a `momento_key_info.json`; the whole text of a file that is no JSON. */
export async function memberOfFile(
  path: string,
  member: 'apiKey' | 'refreshToken',
): Promise<string> {
  let text: string
  try {
    text = (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HeadwaterError('HW_CLI_USAGE', `The file cannot be read: ${reason}.`)
  }
  if (!text.startsWith('{')) return text
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && member in value) {
      const found: unknown = Reflect.get(value, member)
      if (typeof found === 'string') return found
    }
  } catch {
    // Ignored: the parser's words quote what may be a secret.
  }
  throw new HeadwaterError('HW_CLI_USAGE', `${path} has no ${member}.`)
}

/** @throws HeadwaterError `HW_CLI_USAGE` when it is longer than 64 KiB. */
async function readText(input: TextInput): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer) // Node's streams are untyped.
    sizeBytes += bytes.length
    if (sizeBytes > TEXT_BYTES_MAX) throw usageError('What comes on stdin is too long.')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
