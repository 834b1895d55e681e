/** Settings of caches: those of one, the defaults for all, the declared ones. */

import Type from 'typebox'
import type { Static } from 'typebox'
import { section } from './fields.ts'

/** A limit of a cache that is off by default. */
const perSecond = (description: string) =>
  Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 1_000_000_000_000,
    description: `${description} 0: no limit.`,
  })

/** What a cache can be told; `caches.defaults` has all of them, `caches.items[]` any. */
export const cacheSettingsProperties = {
  defaultTtlSeconds: Type.Integer({
    default: 3600,
    minimum: 1,
    maximum: 2_678_400,
    description:
      'TTL of a write by path that has no `ttl_seconds`: encoders drop the query on segments.',
  }),
  ttlRules: Type.Array(
    // No commas: they part the rules in an environment variable.
    Type.String({ pattern: '^[^,]{1,256}=[1-9][0-9]{0,6}$', examples: ['*.m3u8=60'] }),
    {
      default: [],
      maxItems: 32,
      description:
        'TTL by key, whatever the write asks for: `<key pattern>=<seconds>`, the first that matches rules. `*` is any run without a slash, `**` any run, `?` one character; a pattern without a slash is for the last part of a key: `*.m3u8=60`, `vod/**=86400`.',
    },
  ),
  itemSizeBytesMax: Type.Integer({
    default: 10_485_760,
    minimum: 1024,
    maximum: 1_073_741_824,
    description: 'Largest object. A larger upload is drained and refused with 413.',
  }),
  sizeBytesMax: Type.Integer({
    default: 0,
    minimum: 0,
    description:
      'Memory that the objects of this cache may take. Over it the cache drops its own oldest, and refuses with 507 what the live window of its channels leaves no room for. 0: only the bound of the hot store.',
  }),
  readsPerSecondMax: perSecond(
    'Reads of this cache per second. Over it they are refused with 429: those far from the live edge first, playlists and what was stored within the last minute last.',
  ),
  readBytesPerSecondMax: perSecond(
    'Bytes of answers to reads of this cache per second; over it, as `readsPerSecondMax`.',
  ),
  writesPerSecondMax: perSecond(
    'Writes and deletes in this cache per second. Over it they are refused with 429: an encoder that does not try again loses the segment.',
  ),
  writeBytesPerSecondMax: perSecond(
    'Bytes of uploads to this cache per second; over it, as `writesPerSecondMax`. An upload that has begun is not cut.',
  ),
  extendWhileLive: Type.Boolean({
    default: true,
    description:
      'Multivariant playlists, init sections and keys outlive their TTL while a live playlist needs them: encoders write them once.',
  }),
  playlistTokens: Type.Union(
    [Type.Literal('reader'), Type.Literal('strip'), Type.Literal('keep')],
    {
      default: 'reader',
      description:
        'Tokens in playlists and manifests. `strip`: those that can write or cannot be verified are taken out at the PUT. `reader`: the same, and who reads by `?token=` finds their own on every URI, so that a player needs no header. `keep`: byte for byte, keys and all.',
    },
  ),
  playlistRules: Type.Union([Type.Literal('off'), Type.Literal('report'), Type.Literal('strict')], {
    default: 'report',
    description:
      'Whether playlists are judged at their PUT by the rules of RFC 8216bis. `report`: findings are logged and counted. `strict`: a playlist with an error is refused with 422 and the rule.',
  }),
  holdSecondsMax: Type.Number({
    default: 3,
    minimum: 0,
    maximum: 30,
    description:
      'How long a read waits for a segment that a live playlist has just named and that is not stored yet, from the PUT of the playlist, a target duration at the most. 0: 404 at once.',
  }),
  lowLatency: Type.Boolean({
    default: true,
    description:
      'Blocking playlist reload, delta updates and waiting for hinted parts (`_HLS_msn`, `_HLS_part`, `_HLS_skip`), for playlists whose encoder advertises them. Off: the directives are ignored.',
  }),
  staleAfterTargetDurations: Type.Number({
    default: 0,
    minimum: 0,
    maximum: 1000,
    description:
      'A live playlist that was not renewed for so many target durations is answered 404 `no-store`, so that a CDN or player goes elsewhere. 0: never.',
  }),
  staleScope: Type.Union([Type.Literal('channel'), Type.Literal('rendition')], {
    default: 'channel',
    description:
      'What is stale together: every playlist of a channel when one of its renditions is, or each rendition alone.',
  }),
  anonymous: Type.Union([Type.Literal('none'), Type.Literal('read'), Type.Literal('readwrite')], {
    default: 'none',
    description: 'What a request without a credential may do.',
  }),
  emptyBody: Type.Union([Type.Literal('refuse'), Type.Literal('ignore')], {
    default: 'refuse',
    description:
      'An upload without bytes: refused with 400, or answered 204 and not stored (DASH-IF probes).',
  }),
} as const

export const CacheSettingsSchema = Type.Object(cacheSettingsProperties, {
  additionalProperties: false,
  description: 'Settings of every cache that has none of its own.',
})

/** Settings of one cache, complete. */
export type CacheSettings = Readonly<
  Omit<Static<typeof CacheSettingsSchema>, 'ttlRules'> & { ttlRules: readonly string[] }
>

/** `caches.*` */
export const cachesSection = section(
  {
    autoCreate: Type.Boolean({
      default: false,
      description: 'A write by a key that may write to every cache makes the cache it names.',
    }),
    defaults: CacheSettingsSchema,
    items: Type.Array(
      Type.Object(
        {
          name: Type.String({
            pattern: '^[A-Za-z0-9._-]{1,255}$',
            description: 'Letters, digits, dots, dashes and underscores, up to 255.',
          }),
          ...Object.fromEntries(
            Object.entries(cacheSettingsProperties).map(([name, schema]) => [
              name,
              Type.Optional(schema),
            ]),
          ),
        },
        { additionalProperties: false },
      ),
      {
        default: [],
        description:
          'Caches that exist at every start, with settings that win over `caches.defaults` and over changes made while running.',
      },
    ),
  },
  'Caches (Momento: namespaces).',
)
