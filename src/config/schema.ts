/**
 * Every setting, declared once (large sections in `sections/`): type, default, bounds and the text
 * an operator reads. Environment names, flags, `--help`, `docs/configuration.md` and the JSON Schema
 * are derived from here.
 *
 * Numbers only, in the unit their name ends with. `x-secret`: no flag, a `..._FILE` variable, never
 * printed.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { authSection } from './sections/auth-section.ts'
import { cachesSection } from './sections/caches-section.ts'
import type { CacheSettings } from './sections/caches-section.ts'
import { deliverySection, emulationSection } from './sections/delivery-section.ts'
import { oneOf, section } from './sections/fields.ts'
import { adminSection, httpSection } from './sections/http-section.ts'
import { accessLogSection, webhooksSection } from './sections/notify-section.ts'
import { storageSection } from './sections/storage-section.ts'

export { CacheSettingsSchema } from './sections/caches-section.ts'
export type { CacheSettings } from './sections/caches-section.ts'

export const PROFILES = ['default', 'dev', 'momento', 'rig', 'staging'] as const
export type Profile = (typeof PROFILES)[number]

export const ConfigSchema = section(
  {
    profile: oneOf(PROFILES, {
      default: 'default',
      description:
        'Sets several defaults together: `dev` (no credential from this machine), `momento` (exact emulation), `rig` (fixed dev keys, caches made on first use, faults and scenarios), `staging` (behind a CDN).',
    }),
    dataDir: Type.String({
      default: '.headwater',
      minLength: 1,
      description:
        'Keys, caches and the signing key live here; one process owns it. Relative to the working directory.',
    }),
    http: httpSection,
    admin: adminSection,
    auth: authSection,
    hotStore: section(
      {
        sizeBytesMax: Type.Integer({
          default: 0,
          minimum: 0,
          description:
            'Memory for objects (bodies, keys, overhead). 0: the smaller of 1 GiB and half of the memory of the machine or its cgroup.',
        }),
      },
      'Objects in memory.',
    ),
    storage: storageSection,
    limits: section(
      {
        ttlSecondsMax: Type.Integer({
          default: 2_678_400,
          minimum: 1,
          maximum: 315_360_000,
          description: 'Longest `ttl_seconds`: 31 days. Longer is refused with 400.',
        }),
        eventLoopDelayMsMax: Type.Integer({
          default: 250,
          minimum: 0,
          maximum: 60_000,
          description:
            'Above this delay of the event loop, reads far from the live edge get 503 with `Retry-After`; playlists, recent segments and writes never do. 0: no limit.',
        }),
        rssBytesMax: Type.Integer({
          default: 0,
          minimum: 0,
          description:
            'The same above this resident memory of the process. 0: nine tenths of the memory of the machine or its cgroup.',
        }),
        uploadsInFlightBytesMax: Type.Integer({
          default: 268_435_456,
          minimum: 1_048_576,
          description:
            'Bytes of unfinished uploads held at once, counted as they arrive; over it an upload gets 503.',
        }),
        cachesMax: Type.Integer({
          default: 1000,
          minimum: 1,
          description: 'Number of caches, automatically created ones included.',
        }),
      },
      'Bounds.',
    ),
    emulation: emulationSection,
    delivery: deliverySection,
    caches: cachesSection,
    log: section(
      {
        level: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
          default: 'info',
          description: 'Lowest level that is written. JSON lines on stderr.',
        }),
      },
      'The log.',
    ),
    accessLog: accessLogSection,
    webhooks: webhooksSection,
    metrics: section(
      {
        channelsMax: Type.Integer({
          default: 100,
          minimum: 0,
          maximum: 10_000,
          description:
            'Channels with series of their own in `/metrics`. Further ones are counted in `headwater_channels_left_out`.',
        }),
      },
      'Metrics of the admin plane.',
    ),
    expressLane: Type.Boolean({
      default: false,
      description:
        'Answer reads of items on the raw socket, byte for byte as without it, at about half the CPU; other requests go on as before. Not on a test rig. New: off by default until it has been in use for a while.',
    }),
    rig: section(
      {
        enabled: Type.Boolean({
          default: false,
          description:
            'Powers of a test rig: faults (`/api/faults`), scenarios (`/rig/<scenario>/cache/…` on the data plane) and `POST /api/reset`. Off, these routes are 404. Never on an origin that people watch.',
        }),
      },
      'Test rigs.',
    ),
  },
  'Headwater settings',
)

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: DeepReadonly<T[Name]> }
    : T

/** A declared cache: its name and the settings it overrides. */
export type DeclaredCache = { readonly name: string } & Partial<CacheSettings>

type RawConfig = Static<typeof ConfigSchema>

/** Every setting, validated and complete. Frozen. */
export type Config = DeepReadonly<Omit<RawConfig, 'caches'>> & {
  readonly caches: DeepReadonly<Omit<RawConfig['caches'], 'items'>> & {
    readonly items: readonly DeclaredCache[]
  }
}

/** Any part of the settings, as a file or a test gives them. */
export type PartialConfig = DeepPartial<Config>

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: DeepPartial<T[Name]> }
    : T
