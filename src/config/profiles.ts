/**
 * Profiles: named sets of defaults. They stand between the defaults and the file, so everything
 * else wins over them.
 */

import type { PartialConfig, Profile } from './schema.ts'

/** What a profile is for and what it sets. */
export interface ProfileDefinition {
  /** One or two sentences for the reference. */
  readonly summary: string
  readonly values: PartialConfig
}

export const PROFILE_DEFINITIONS: Readonly<Record<Profile, ProfileDefinition>> = {
  default: { summary: 'The defaults as they are.', values: {} },
  dev: {
    summary:
      'A developer alone on a machine: clients on it need no credential, and caches are made by the first write.',
    values: {
      auth: { devKeys: true, loopbackWithoutKey: true },
      caches: { autoCreate: true },
    },
  },
  momento: {
    summary:
      'Answers as Momento documents them, also where that is awkward for live video: both credentials at once are refused, every write needs `ttl_seconds`, an oversized object is 429, readers get plain bytes without caching advice.',
    values: {
      emulation: { bothCredentials: 'refuse', ttlRequired: 'always', oversizeStatus: 429 },
      delivery: {
        contentType: 'octet-stream',
        cacheControl: false,
        gzip: false,
        readInProgress: false,
        serverTiming: false,
        corsOrigin: 'reflect',
      },
      caches: {
        defaults: {
          holdSecondsMax: 0,
          lowLatency: false,
          playlistTokens: 'keep',
          playlistRules: 'off',
          extendWhileLive: false,
        },
      },
    },
  },
  rig: {
    summary:
      'A test rig for players, encoders and CDNs: fixed keys that can be written into scripts, caches made by the first write, faults and scenarios ([Test rigs](rigs.md)).',
    values: { auth: { devKeys: true }, caches: { autoCreate: true }, rig: { enabled: true } },
  },
  staging: {
    summary:
      'Behind a CDN or a balancer: on stop, readiness is false for a while before connections are refused. A live playlist whose encoder has stopped is a 404 after three target durations. Objects are on disk, too, and outlive a restart.',
    values: {
      http: { shutdownDelaySeconds: 5 },
      storage: { kind: 'disk' },
      caches: { defaults: { staleAfterTargetDurations: 3 } },
    },
  },
}
