/**
 * docker/cloudfront, as far as it can be checked without an AWS account: the files parse, name only
 * what exists, agree with each other, and hold the values that docs/cdn.md promises.
 */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

const DIRECTORY = new URL('../../docker/cloudfront/', import.meta.url)
/** AWS's managed policy that the guide used for playlists. */
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad'

function read(name: string): string {
  return readFileSync(new URL(name, DIRECTORY), 'utf8')
}

interface Behaviour {
  readonly PathPattern?: string
  readonly CachePolicyId: string
  readonly ViewerProtocolPolicy: string
  readonly AllowedMethods: readonly string[]
}
interface DistributionConfig {
  readonly Origins: readonly [
    {
      readonly OriginPath: string
      readonly CustomOriginConfig: Readonly<Record<string, unknown>>
      readonly OriginCustomHeaders: readonly [
        { readonly HeaderName: string; readonly HeaderValue: string },
      ]
    },
  ]
  readonly DefaultCacheBehavior: Behaviour
  readonly CacheBehaviors: readonly Behaviour[]
  readonly CustomErrorResponses: readonly {
    readonly ErrorCode: number
    readonly ErrorCachingMinTTL: number
  }[]
}
interface CachePolicy {
  readonly MinTTL: number
  readonly DefaultTTL: number
  readonly MaxTTL: number
  readonly ParametersInCacheKeyAndForwardedToOrigin: {
    readonly EnableAcceptEncodingGzip: boolean
    readonly QueryStringsConfig: { readonly QueryStrings: readonly string[] }
  }
}
interface Template {
  readonly Parameters: Readonly<Record<string, unknown>>
  readonly Resources: {
    readonly PlaylistCachePolicy: {
      readonly Properties: { readonly CachePolicyConfig: CachePolicy }
    }
    readonly Distribution: {
      readonly Properties: { readonly DistributionConfig: DistributionConfig }
    }
  }
}

/** CloudFormation's short forms, kept as the text or list behind them. */
const TAGS = ['!Ref', '!Sub', '!GetAtt'].map((tag) => ({ tag, resolve: (text: string) => text }))
const LIST_TAGS = ['!If', '!Not', '!Equals'].map((tag) => ({ tag, collection: 'seq' as const }))

// The shape that the tests below look at; a missing part fails them.
const template = parse(read('distribution.yaml'), {
  customTags: [...TAGS, ...LIST_TAGS],
}) as Template
const distribution = template.Resources.Distribution.Properties.DistributionConfig

t.test('every reference names a parameter, a resource or a pseudo parameter', async (t) => {
  const known = new Set([...Object.keys(template.Parameters), ...Object.keys(template.Resources)])
  const text = read('distribution.yaml')
  const references = [
    ...[...text.matchAll(/!Ref '?([\w:]+)/g)].map((match) => match[1] ?? ''),
    ...[...text.matchAll(/\$\{([\w:]+)\}/g)].map((match) => match[1] ?? ''),
    ...[...text.matchAll(/!GetAtt (\w+)\./g)].map((match) => match[1] ?? ''),
  ]
  t.ok(references.length > 10)
  t.same(
    references.filter((name) => !known.has(name) && !name.startsWith('AWS::')),
    [],
  )
})

t.test('playlists are cached for a short time, and by the low-latency directives', async (t) => {
  t.notOk(read('distribution.yaml').includes(CACHING_DISABLED))
  t.notOk(read('main.tf').includes(CACHING_DISABLED))
  const playlists = distribution.CacheBehaviors.find(({ PathPattern }) => PathPattern === '*.m3u8')
  t.equal(playlists?.CachePolicyId, 'PlaylistCachePolicy')
  const policy = template.Resources.PlaylistCachePolicy.Properties.CachePolicyConfig
  t.equal(policy.MinTTL, 0, 'else no-store and private would be overruled')
  t.equal(policy.DefaultTTL, 1)
  t.equal(policy.MaxTTL, 60)
  const key = policy.ParametersInCacheKeyAndForwardedToOrigin
  t.equal(key.EnableAcceptEncodingGzip, true)
  t.same(key.QueryStringsConfig.QueryStrings, ['_HLS_msn', '_HLS_part', '_HLS_skip'])
})

t.test('errors are kept for a second at most', async (t) => {
  const ttls: Readonly<Record<string, number>> = Object.fromEntries(
    distribution.CustomErrorResponses.map((error) => [error.ErrorCode, error.ErrorCachingMinTTL]),
  )
  for (const status of [403, 404, 500, 502, 503, 504]) t.ok((ttls[status] ?? 10) <= 1, `${status}`)
  const terraform = /error_ttls = \{ (.*) \}/.exec(read('main.tf'))?.[1] ?? ''
  const same: Record<string, number> = {}
  for (const pair of terraform.split(', ')) {
    const [status = '', seconds = ''] = pair.split(' = ')
    same[status] = Number(seconds)
  }
  t.same(same, ttls, 'the Terraform module says the same')
})

t.test('the key comes from a secret, over TLS, behind the cache', async (t) => {
  const [origin] = distribution.Origins
  t.equal(origin.OriginPath, '/cache/${CacheName}')
  const [header] = origin.OriginCustomHeaders
  t.equal(header.HeaderName, 'Authorization')
  t.equal(header.HeaderValue, '{{resolve:secretsmanager:${PlayerKeySecret}:SecretString:apiKey}}')
  t.equal(origin.CustomOriginConfig['OriginProtocolPolicy'], 'https-only')
  t.same(origin.CustomOriginConfig['OriginSSLProtocols'], ['TLSv1.2'])
  const keepAliveSeconds = Number(origin.CustomOriginConfig['OriginKeepaliveTimeout'])
  t.ok(keepAliveSeconds <= 60, 'below the 125 s of the origin, and within the quota')
  t.match(read('main.tf'), /variable "player_key" \{[^}]*sensitive\s+= true/)
})

t.test('every behaviour reads only, over HTTPS; both forms have the same ones', async (t) => {
  const behaviours = [distribution.DefaultCacheBehavior, ...distribution.CacheBehaviors]
  for (const behaviour of behaviours) {
    t.equal(behaviour.ViewerProtocolPolicy, 'redirect-to-https')
    t.same(behaviour.AllowedMethods, ['GET', 'HEAD', 'OPTIONS'])
  }
  const patterns = [...read('main.tf').matchAll(/\{ path = "([^"]+)"/g)].map((match) => match[1])
  t.same(
    patterns,
    distribution.CacheBehaviors.map(({ PathPattern }) => PathPattern),
  )
})
