/** Settings of what readers, encoders and CDNs are answered. */

import Type from 'typebox'
import { section } from './fields.ts'

/** `emulation.*` */
export const emulationSection = section(
  {
    bothCredentials: Type.Union([Type.Literal('either'), Type.Literal('refuse')], {
      default: 'either',
      description:
        'A request with `Authorization` and `token=`: allowed if either grants it, or 400 as Momento answers.',
    }),
    ttlRequired: Type.Union([Type.Literal('query-form'), Type.Literal('always')], {
      default: 'query-form',
      description: 'Writes that must have `ttl_seconds`: those with `?key=`, or every one.',
    }),
    oversizeStatus: Type.Union([Type.Literal(413), Type.Literal(429)], {
      default: 413,
      description: 'Status for an object over the size limit. Momento answers 429.',
    }),
  },
  "How closely Momento's service is followed where it is awkward for live video.",
)

/** `delivery.*` */
export const deliverySection = section(
  {
    contentType: Type.Union([Type.Literal('by-extension'), Type.Literal('octet-stream')], {
      default: 'by-extension',
      description: "Media types by the key's extension, or `application/octet-stream` for all.",
    }),
    cacheControl: Type.Boolean({
      default: true,
      description: 'Send `Cache-Control` and `Expires` that suit each kind of object.',
    }),
    gzip: Type.Boolean({
      default: true,
      description:
        'Send playlists of 1 KiB and more gzip-coded to who accepts it; made once for each version.',
    }),
    readInProgress: Type.Boolean({
      default: true,
      description:
        'Serve a segment while its first upload is in progress, as its bytes arrive; otherwise it is a 404 until it is complete.',
    }),
    segmentMaxAgeSeconds: Type.Integer({
      default: 300,
      minimum: 1,
      description:
        'Longest `max-age` of segments and init sections of a live channel: restarted encoders reuse names.',
    }),
    missMaxAgeSeconds: Type.Integer({
      default: 1,
      minimum: 0,
      description: '`max-age` of a 404: a segment asked for too early must not stay missing.',
    }),
    serverTiming: Type.Boolean({
      default: true,
      description:
        'Say in `Server-Timing` what a read was answered from and, when it took time, how long and how much of it was waiting for the encoder.',
    }),
    corsOrigin: Type.Union([Type.Literal('any'), Type.Literal('reflect')], {
      default: 'any',
      description:
        "`Access-Control-Allow-Origin`: `*`, or the request's `Origin` with `Vary: Origin` as Momento answers.",
    }),
  },
  'What readers and CDNs are told.',
)
