/**
 * The first start's secrets: the signing key and three keys to begin with. Later starts reuse them;
 * nothing that is there is ever written over.
 */

import { randomBytes } from 'node:crypto'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { HeadwaterError } from '../base/errors.ts'
import type { Authenticator } from './authenticator.ts'
import { toKeyInfo } from './key-service.ts'
import type { KeyService, MintRequest } from './key-service.ts'

/** Files of the data directory, readable by their owner alone. */
export interface SecretFiles {
  read(name: string): Promise<unknown>
  write(name: string, value: unknown): Promise<void>
  readText(name: string): Promise<string | undefined>
  writeText(name: string, text: string): Promise<void>
  /** For messages. */
  pathOf(name: string): string
}

/** The API keys (v1 wrappers) a first start makes. */
export interface FirstKeys {
  readonly superUser: string
  readonly encoder: string
  readonly player: string
}

export const SIGNING_KEY_FILE = 'signing.key'

/** File and grant of each first key; the files have the shape of `momento_key_info.json`. */
export const FIRST_KEY_FILES = {
  superUser: 'super-user-key.json',
  encoder: 'encoder-key.json',
  player: 'player-key.json',
} as const satisfies Record<keyof FirstKeys, string>

const SECRET_BYTES_MIN = 32

const KeyInfoSchema = Type.Object({ apiKey: Type.String({ minLength: 1 }) })

/**
 * @param configured  `auth.signingKey`, '' when it is not set.
 * @throws HeadwaterError HW_DATA_DIR_CORRUPT when the file is not what {@link randomBytes} made.
 */
export async function readSigningSecret(
  files: SecretFiles,
  configured: string,
): Promise<Uint8Array> {
  if (configured !== '') return Buffer.from(configured, 'utf8')
  const stored = await files.readText(SIGNING_KEY_FILE)
  if (stored === undefined) {
    const made = randomBytes(SECRET_BYTES_MIN).toString('base64url')
    await files.writeText(SIGNING_KEY_FILE, `${made}\n`)
    return Buffer.from(made, 'utf8')
  }
  const secret = stored.trim()
  if (!/^[A-Za-z0-9_-]{43,}$/.test(secret)) {
    throw new HeadwaterError(
      'HW_DATA_DIR_CORRUPT',
      `${files.pathOf(SIGNING_KEY_FILE)} is not a signing key.`,
      {
        detail:
          'Restore it from a backup. Without it every key that was made is void: to begin anew, move the whole data directory away.',
      },
    )
  }
  return Buffer.from(secret, 'utf8')
}

/**
 * Reads the first keys, making those that are not there.
 *
 * @throws HeadwaterError HW_DATA_DIR_CORRUPT for a file of another shape, HW_AUTH_SIGNING_KEY when
 *   the keys were signed with another signing key.
 */
export async function openFirstKeys(options: {
  readonly files: SecretFiles
  readonly keys: KeyService
  readonly authenticator: Authenticator
  /** The cache that the encoder's and the player's key are for. */
  readonly cacheName: string
}): Promise<FirstKeys> {
  const { cacheName } = options
  const open = (name: keyof FirstKeys, request: MintRequest) => openKey(options, name, request)
  return {
    superUser: await open('superUser', { superUser: true, description: 'first start: super-user' }),
    encoder: await open('encoder', {
      role: 'readwrite',
      caches: [cacheName],
      description: 'first start: encoder',
    }),
    player: await open('player', {
      role: 'readonly',
      caches: [cacheName],
      description: 'first start: player',
    }),
  }
}

async function openKey(
  options: { files: SecretFiles; keys: KeyService; authenticator: Authenticator },
  name: keyof FirstKeys,
  request: MintRequest,
): Promise<string> {
  const { files, keys, authenticator } = options
  const file = FIRST_KEY_FILES[name]
  const stored = await files.read(file)
  if (stored === undefined) {
    const minted = await keys.mint(request)
    await files.write(file, toKeyInfo(minted))
    return minted.apiKey
  }
  if (!Value.Check(KeyInfoSchema, stored)) {
    throw new HeadwaterError('HW_DATA_DIR_CORRUPT', `${files.pathOf(file)} has no apiKey.`, {
      detail: 'Restore it from a backup, or move it away: a new key is then made.',
    })
  }
  const verified = await authenticator.verify(stored.apiKey, '127.0.0.1')
  if (verified.kind === 'refused' && verified.reason === 'bad-signature') {
    throw new HeadwaterError(
      'HW_AUTH_SIGNING_KEY',
      `The key in ${files.pathOf(file)} was signed with another signing key.`,
      {
        detail:
          'Give back the signing key that the data directory was made with (signing.key, or auth.signingKey). After a change on purpose, move the *-key.json files away: new keys are then made.',
      },
    )
  }
  return stored.apiKey
}
