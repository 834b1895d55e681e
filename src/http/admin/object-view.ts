/** Objects as the admin API shows them, and which one a request names. */

import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Static } from 'typebox'
import type { Clock } from '../../base/clock.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { formatItemKey, parseCacheName, splitStoreKey, toStoreKey } from '../../base/names.ts'
import type { CacheName, ItemKey, StoreKey } from '../../base/names.ts'
import { oneOf } from '../../config/sections/fields.ts'
import { formatKeyBase64Url, parseKeyBase64Url } from '../../origin/object-list.ts'
import type { ItemKind, StoredItem } from '../../storage/store.ts'
import { REFUSALS } from '../../wire/refusals.ts'
import { parseItemTarget } from '../../wire/target.ts'
import { closed, Time } from './route.ts'
import type { ReadonlyDeep } from './route.ts'

const KINDS = [
  'multivariant',
  'media',
  'manifest',
  'segment',
  'part',
  'init',
  'key',
  'other',
] as const satisfies readonly ItemKind[]

export const ObjectSchema = Type.Object(
  {
    key: Type.String({
      description:
        'As text: bytes that are not UTF-8 are replaced. Not for URLs, and not for HTML.',
    }),
    keyBase64Url: Type.String({ description: 'The exact bytes of the key.' }),
    sizeBytes: Type.Integer(),
    kind: oneOf(KINDS, {}),
    contentType: Type.String(),
    etag: Type.String({ description: 'With its quotes.' }),
    storedAt: Time,
    expiresAt: Time,
    ttlSeconds: Type.Integer({ description: 'As its write asked for.' }),
    version: Type.Integer({ description: '1 for the first object of this name, 2 for the next.' }),
  },
  closed,
)

export function viewObject(
  item: StoredItem,
  clock: Clock,
): ReadonlyDeep<Static<typeof ObjectSchema>> {
  const { key } = splitStoreKey(item.storeKey)
  const leftMs = item.expiresAtMonotonicMs - clock.monotonicMs()
  return {
    key: formatItemKey(key),
    keyBase64Url: formatKeyBase64Url(key),
    sizeBytes: item.sizeBytes,
    kind: item.kind,
    contentType: item.contentType,
    etag: `"${item.etag}"`,
    storedAt: formatIsoTime(item.storedAtMs),
    expiresAt: formatIsoTime(clock.nowMs() + leftMs),
    ttlSeconds: item.ttlSeconds,
    version: item.version,
  }
}

/** Which object a request names. */
export interface NamedObject {
  readonly cacheName: CacheName
  readonly key: ItemKey
  readonly storeKey: StoreKey
}

/**
 * By the rest of the path, decoded once, as the data plane does: the router would decode it in its
 * own way.
 *
 * @throws HeadwaterError `HW_REQUEST_INVALID`.
 */
export function objectInPath(request: FastifyRequest): NamedObject {
  const [path = ''] = (request.raw.url ?? '').split(/[?#]/, 1)
  const match = /^\/api\/caches\/([^/]+)\/objects\/(.*)$/s.exec(path)
  const target = parseItemTarget(`/cache/${match?.[1] ?? ''}/${match?.[2] ?? ''}`)
  if (target.problem === undefined) return target
  const { message, detail } = REFUSALS[target.problem]
  throw new HeadwaterError('HW_REQUEST_INVALID', message, { detail })
}

/** @throws HeadwaterError `HW_REQUEST_INVALID`. */
export function objectOfBase64Url(name: string, keyBase64Url: string): NamedObject {
  const cacheName = parseCacheName(name)
  const key = parseKeyBase64Url(keyBase64Url)
  if (cacheName === undefined || key === undefined) {
    throw new HeadwaterError(
      'HW_REQUEST_INVALID',
      'keyBase64Url is not base64url of 1 to 1024 bytes.',
    )
  }
  return { cacheName, key, storeKey: toStoreKey(cacheName, key) }
}
