/**
 * Every setting, declared once: type, default, bounds and the text an operator reads. Environment
 * names, flags, `--help`, `docs/configuration.md` and the JSON Schema are derived from here.
 *
 * Numbers only, in the unit their name ends with. `x-secret`: no flag, a `..._FILE` variable, never
 * printed. `x-needs`: the value asks for something this version cannot do; start says so.
 */

import Type from 'typebox'
import type { Static, TSchemaOptions } from 'typebox'

const port = (options: object) => Type.Integer({ minimum: 0, maximum: 65535, ...options })
// A day: Node's timers fire at once when asked to wait longer than 24.8 days.
const seconds = (options: object) => Type.Number({ minimum: 0, maximum: 86_400, ...options })
/** One of a list that has a type of its own: a mapped array of literals would lose it. */
const oneOf = <const Values extends readonly string[]>(values: Values, options: TSchemaOptions) =>
  Type.Unsafe<Values[number]>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      options,
    ),
  )

/** What a cache can be told; `caches.defaults` has all of them, `caches.items[]` any. */
export const cacheSettingsProperties = {
  defaultTtlSeconds: Type.Integer({
    default: 3600,
    minimum: 1,
    maximum: 2_678_400,
    description:
      'TTL of a write by path that has no `ttl_seconds`: encoders drop the query on segments.',
  }),
  itemSizeBytesMax: Type.Integer({
    default: 10_485_760,
    minimum: 1024,
    maximum: 1_073_741_824,
    description: 'Largest object. A larger upload is drained and refused with 413.',
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
export type CacheSettings = Readonly<Static<typeof CacheSettingsSchema>>

const section = <Properties extends Parameters<typeof Type.Object>[0]>(
  properties: Properties,
  description: string,
) => Type.Object(properties, { additionalProperties: false, description })

export const PROFILES = ['default', 'dev', 'momento', 'rig', 'staging'] as const
export type Profile = (typeof PROFILES)[number]

export const ConfigSchema = section(
  {
    profile: oneOf(PROFILES, {
      default: 'default',
      description:
        'Sets several defaults together: `dev` (no credential from this machine), `momento` (exact emulation), `rig` (fixed dev keys, caches made on first use), `staging` (behind a CDN).',
    }),
    dataDir: Type.String({
      default: '.headwater',
      minLength: 1,
      description:
        'Keys, caches and the signing key live here; one process owns it. Relative to the working directory.',
    }),
    http: section(
      {
        host: Type.String({
          default: 'localhost',
          minLength: 1,
          description:
            'Address of the data plane. `localhost` listens on 127.0.0.1 and ::1, `*` on the whole network.',
        }),
        port: port({ default: 8080, description: 'Port of the data plane. 0 picks a free one.' }),
        publicUrl: Type.String({
          default: '',
          description:
            'URL that encoders and players use, when it is not this address: rules every printed and generated URL.',
        }),
        trustedProxies: Type.Array(Type.String(), {
          default: [],
          description:
            'Addresses or CIDR ranges whose `X-Forwarded-For` is believed: the client is the rightmost untrusted hop.',
        }),
        headerBytesMax: Type.Integer({
          default: 32_768,
          minimum: 8192,
          maximum: 262_144,
          description: 'Largest header block; 431 above. CloudFront sends up to 20,480 bytes.',
        }),
        urlBytesMax: Type.Integer({
          default: 8192,
          minimum: 1024,
          maximum: 32_768,
          description: 'Longest request target; 414 above.',
        }),
        headersTimeoutSeconds: seconds({
          default: 10,
          minimum: 1,
          description: 'A request head must be complete within this time.',
        }),
        uploadIdleSeconds: seconds({
          default: 60,
          minimum: 1,
          description:
            'An upload may be silent this long: encoders hold a request open for a whole segment.',
        }),
        keepAliveSeconds: seconds({
          default: 125,
          minimum: 1,
          description:
            'Idle connections stay open this long; CloudFront keeps its own for up to 120.',
        }),
        connectionsMax: Type.Integer({
          default: 20_000,
          minimum: 16,
          description: 'Open connections; further ones are closed at once.',
        }),
        shutdownDelaySeconds: seconds({
          default: 0,
          description:
            'On stop, readiness is false and requests are still accepted for this long, so that a balancer can look away.',
        }),
        shutdownSeconds: seconds({
          default: 10,
          description: 'On stop, uploads and answers in progress may take this long.',
        }),
        tls: section(
          {
            port: port({ default: 8443, description: 'Port for TLS, beside the plain one.' }),
            certFile: Type.String({ default: '', description: 'PEM chain.', 'x-needs': 'TLS' }),
            keyFile: Type.String({ default: '', description: 'PEM key.', 'x-needs': 'TLS' }),
          },
          'TLS of the data plane.',
        ),
      },
      'The data plane: what encoders and players talk to.',
    ),
    admin: section(
      {
        host: Type.String({
          default: 'localhost',
          minLength: 1,
          description: 'Address of the admin API, metrics and console.',
        }),
        port: port({ default: 8081, description: 'Port of the admin plane. 0 picks a free one.' }),
        publicUrl: Type.String({
          default: '',
          description: 'URL under which the admin plane is reached, when it is not this address.',
        }),
        allowedHosts: Type.Array(Type.String(), {
          default: [],
          description:
            'Further `Host` names (without port) that may use the admin API; loopback names and `admin.publicUrl` always may.',
        }),
      },
      'The admin plane.',
    ),
    auth: section(
      {
        signingKey: Type.String({
          default: '',
          'x-secret': true,
          description:
            'Secret that signs keys, at least 32 bytes. Empty: made at first start and kept in the data directory.',
        }),
        devKeys: Type.Boolean({
          default: false,
          description:
            'Accept three fixed, public keys (`dev-super-user`, `dev-encoder`, `dev-player`). For test rigs only.',
        }),
        loopbackWithoutKey: Type.Boolean({
          default: false,
          description:
            'Clients on this machine need no credential, guarded by checks of `Host` and `Origin`. Never behind a proxy on this machine: its clients would all be local.',
        }),
        failuresPerSecondMax: Type.Number({
          default: 10,
          minimum: 0.1,
          description:
            'Failed credentials a second from one client address before unknown ones are refused unread (429). Verified keys are never affected.',
        }),
        failuresBurst: Type.Integer({
          default: 50,
          minimum: 1,
          description: 'Failed credentials from one address that may come at once.',
        }),
      },
      'Credentials.',
    ),
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
    storage: section(
      {
        kind: Type.Union(
          [
            Type.Literal('memory'),
            Type.Literal('disk', { 'x-needs': 'the disk store' }),
            Type.Literal('valkey', { 'x-needs': 'the Valkey store' }),
          ],
          {
            default: 'memory',
            description: 'Where objects are kept. `memory`: a restart is empty.',
          },
        ),
        valkey: section(
          {
            url: Type.String({
              default: '',
              'x-secret': true,
              'x-needs': 'the Valkey store',
              description: 'URL of Valkey or Redis.',
            }),
          },
          'Valkey or Redis.',
        ),
      },
      'Durability.',
    ),
    limits: section(
      {
        ttlSecondsMax: Type.Integer({
          default: 2_678_400,
          minimum: 1,
          maximum: 315_360_000,
          description: 'Longest `ttl_seconds`: 31 days. Longer is refused with 400.',
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
    emulation: section(
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
    ),
    delivery: section(
      {
        contentType: Type.Union([Type.Literal('by-extension'), Type.Literal('octet-stream')], {
          default: 'by-extension',
          description: "Media types by the key's extension, or `application/octet-stream` for all.",
        }),
        cacheControl: Type.Boolean({
          default: true,
          description: 'Send `Cache-Control` and `Expires` that suit each kind of object.',
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
        corsOrigin: Type.Union([Type.Literal('any'), Type.Literal('reflect')], {
          default: 'any',
          description:
            "`Access-Control-Allow-Origin`: `*`, or the request's `Origin` with `Vary: Origin` as Momento answers.",
        }),
      },
      'What readers and CDNs are told.',
    ),
    caches: section(
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
    ),
    log: section(
      {
        level: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
          default: 'info',
          description: 'Lowest level that is written. JSON lines on stderr.',
        }),
      },
      'The log.',
    ),
    expressLane: Type.Boolean({
      default: false,
      'x-needs': 'the express lane',
      description: 'Answer hot requests on the raw socket.',
    }),
    rig: section(
      {
        enabled: Type.Boolean({
          default: false,
          'x-needs': 'rig powers',
          description: 'Faults, clock and tapes for test rigs.',
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
