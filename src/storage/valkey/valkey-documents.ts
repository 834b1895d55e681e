/**
 * Small JSON documents that all nodes share: keys, caches. Whoever writes says which version it
 * knew, so that two nodes never undo each other; whoever listens is told of every other node's write.
 */

import { randomBytes } from 'node:crypto'
import { HeadwaterError } from '../../base/errors.ts'
import type { ValkeyLink } from './valkey-link.ts'

/** Beside objects, the only names whose changes are told. */
export const DOCUMENT_PREFIX = 'hw:d:'

const SECRET_NAME = `${DOCUMENT_PREFIX}{doc}signing-key`

/** KEYS: document. ARGV: version that was known ('' for none), text. Returns the new version or -1. */
const WRITE = `
local known = redis.call('HGET', KEYS[1], 'v') or ''
if known ~= ARGV[1] then return -1 end
local version = tonumber(ARGV[1] == '' and '0' or ARGV[1]) + 1
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[2])
return version
`

/** One document, as the registries of keys and caches take it. */
export interface SharedDocument {
  /** `undefined` when there is none. */
  read(): Promise<unknown>
  /** `'conflict'`: somebody else has written since the last read. Nothing was changed then. */
  write(value: unknown): Promise<'written' | 'conflict'>
  /** Called when somebody has, or may have, written it; returns the function that ends it. */
  subscribe(listener: () => void): () => void
}

export class ValkeyDocuments {
  readonly #link: ValkeyLink

  constructor(link: ValkeyLink) {
    this.#link = link
  }

  document(name: string): SharedDocument {
    const link = this.#link
    const key = `${DOCUMENT_PREFIX}{doc}${name}`
    let knownVersion = ''
    return {
      read: async () => {
        const [version, text] = await link.ask((client) => client.hmget(key, 'v', 't'))
        knownVersion = version ?? ''
        return text === null || text === undefined ? undefined : parse(name, text)
      },
      write: async (value) => {
        const text = JSON.stringify(value)
        const version = await link.ask((client) => client.eval(WRITE, 1, key, knownVersion, text))
        if (version === -1) return 'conflict'
        knownVersion = String(version)
        return 'written'
      },
      subscribe: (listener) =>
        link.listen({
          changed: (changed) => {
            if (changed === undefined || changed.toString('latin1') === key) listener()
          },
        }),
    }
  }

  /** The secret that all nodes sign with: of the first node that came without one of its own. */
  async signingSecret(): Promise<Uint8Array> {
    const made = randomBytes(32).toString('base64url')
    const stored = await this.#link.ask(async (client) => {
      await client.set(SECRET_NAME, made, 'NX')
      return client.get(SECRET_NAME)
    })
    if (stored === null || !/^[A-Za-z0-9_-]{43,}$/.test(stored)) {
      throw new HeadwaterError('HW_AUTH_SIGNING_KEY', 'The signing key in Valkey is damaged.', {
        detail: `Set auth.signingKey on every node, or delete ${SECRET_NAME}: all keys are void then.`,
      })
    }
    return Buffer.from(stored, 'utf8')
  }
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown // The caller checks the shape.
  } catch (cause) {
    throw new HeadwaterError('HW_DATA_DIR_CORRUPT', `${name} in Valkey is not valid JSON.`, {
      detail: `Delete ${DOCUMENT_PREFIX}{doc}${name} to start without what it held. It was left as it is.`,
      cause,
    })
  }
}
