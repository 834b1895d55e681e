/**
 * The scenarios that come with the program: what players and CDNs most often meet, one each. Data
 * alone; `docs/rigs.md` says what players make of them.
 */

import type { Fault } from './fault-schema.ts'

export interface ShippedScenario {
  readonly description: string
  readonly faults: readonly Fault[]
}

export const SHIPPED_SCENARIOS: Readonly<Record<string, ShippedScenario>> = {
  clean: {
    description: 'No fault at all: the path and the rewriting alone, to compare with.',
    faults: [],
  },
  'slow-segments': {
    description: 'Every segment begins 3 s late.',
    faults: [{ action: 'delay', delaySeconds: 3, match: { kind: 'segment' } }],
  },
  'thin-pipe': {
    description: 'Segments come at 400 kbit/s: players go down the ladder, or stall.',
    faults: [{ action: 'throttle', bytesPerSecond: 50_000, match: { kind: 'segment' } }],
  },
  'slow-start': {
    description: 'The first three answers take 2 s each, then all is well.',
    faults: [{ action: 'delay', delaySeconds: 2, match: { count: 3 } }],
  },
  'flaky-404': {
    description: 'Three in ten requests for a segment are 404; the same ones every time.',
    faults: [{ action: 'status', statusCode: 404, match: { kind: 'segment', probability: 0.3 } }],
  },
  'burst-503': {
    description: 'After ten good answers five of any kind are 503.',
    faults: [{ id: 'overload', action: 'status', statusCode: 503, match: { skip: 10, count: 5 } }],
  },
  'playlist-5xx': {
    description: 'Half of the reloads of media playlists fail with 500.',
    faults: [{ action: 'status', statusCode: 500, match: { kind: 'media', probability: 0.5 } }],
  },
  'frozen-playlist': {
    description:
      'Media playlists stay as they are 10 s after the start: the encoder seems to have died.',
    faults: [{ action: 'frozen-playlist', match: { fromSeconds: 10 } }],
  },
  'backwards-sequence': {
    description: 'Every third reload of a media playlist or so is five segments behind itself.',
    faults: [
      { action: 'backwards-sequence', bySegments: 5, match: { skip: 3, probability: 0.33 } },
    ],
  },
  'missing-edge': {
    description: 'The newest segment is named, and 404 until the next one is there.',
    faults: [{ action: 'newest-missing', segmentCount: 1 }],
  },
  'gone-rendition': {
    description:
      'Renditions named after 480p, 360p or 240p are 404 while the multivariant playlist goes on naming them.',
    faults: ['480', '360', '240'].map((height) => ({
      id: `gone-${height}`,
      action: 'rendition-gone' as const,
      match: { rendition: `**/**${height}**` },
    })),
  },
  'truncated-segment': {
    description: 'One in four segments ends after 20,000 bytes, whatever its length said.',
    faults: [
      { action: 'truncate', afterBytes: 20_000, match: { kind: 'segment', probability: 0.25 } },
    ],
  },
  'corrupt-segment': {
    description: 'One in four segments has a wrong byte in every 2 KiB.',
    faults: [
      { action: 'corrupt', everyBytes: 2048, match: { kind: 'segment', probability: 0.25 } },
    ],
  },
  'reset-midway': {
    description: 'One in four segments ends with a reset connection after 20,000 bytes.',
    faults: [
      { action: 'reset', afterBytes: 20_000, match: { kind: 'segment', probability: 0.25 } },
    ],
  },
  'stalled-segment': {
    description: 'The sixth segment stops after 10,000 bytes for 30 s, with the connection open.',
    faults: [
      {
        action: 'stall',
        afterBytes: 10_000,
        stallSeconds: 30,
        match: { kind: 'segment', skip: 5, count: 1 },
      },
    ],
  },
  'wrong-type': {
    description: 'Everything is text/html, as from a proxy that shows a page of its own.',
    faults: [{ action: 'wrong-type', contentType: 'text/html' }],
  },
  'no-cors': {
    description: 'No Access-Control field: a page of another origin reads nothing.',
    faults: [{ action: 'no-cors' }],
  },
  'late-segments': {
    description: 'To push by: segments are acknowledged at once and stored 4 s later.',
    faults: [{ action: 'store-late', delaySeconds: 4 }],
  },
  'lossy-ingest': {
    description: 'To push by: one in ten segments is acknowledged and lost.',
    faults: [{ action: 'lose', match: { kind: 'segment', probability: 0.1 } }],
  },
  'burst-429': {
    description: 'To push by: after ten writes five are refused with 429.',
    faults: [
      {
        action: 'status',
        statusCode: 429,
        retryAfterSeconds: 1,
        match: { operation: 'write', skip: 10, count: 5 },
      },
    ],
  },
}
