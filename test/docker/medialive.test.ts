/** The MediaLive output groups of docker/cloudfront: only fields and values that the API has. */

import { readFileSync } from 'node:fs'
import t from 'tap'

const DIRECTORY = new URL('../../docker/cloudfront/', import.meta.url)

/** Fields of HlsGroupSettings that are used, and their values. Source: AWS MediaLive API, HlsGroupSettings. */
const FIELDS: Readonly<Record<string, readonly string[] | 'number' | 'object'>> = {
  Destination: 'object',
  HlsCdnSettings: 'object',
  Mode: ['LIVE', 'VOD'],
  OutputSelection: ['MANIFESTS_AND_SEGMENTS', 'SEGMENTS_ONLY', 'VARIANT_MANIFESTS_AND_SEGMENTS'],
  DirectoryStructure: ['SINGLE_DIRECTORY', 'SUBDIRECTORY_PER_STREAM'],
  TsFileMode: ['SEGMENTED_FILES', 'SINGLE_FILE'],
  SegmentationMode: ['USE_INPUT_SEGMENTATION', 'USE_SEGMENT_DURATION'],
  SegmentLength: 'number',
  IndexNSegments: 'number',
  KeepSegments: 'number',
  ManifestDurationFormat: ['FLOATING_POINT', 'INTEGER'],
  ManifestCompression: ['GZIP', 'NONE'],
  StreamInfResolution: ['EXCLUDE', 'INCLUDE'],
  IFrameOnlyPlaylists: ['DISABLED', 'STANDARD'],
  ProgramDateTime: ['EXCLUDE', 'INCLUDE'],
  ProgramDateTimePeriod: 'number',
  CodecSpecification: ['RFC_4281', 'RFC_6381'],
  ClientCache: ['DISABLED', 'ENABLED'],
  DiscontinuityTags: ['INSERT', 'NEVER_INSERT'],
  IncompleteSegmentBehavior: ['AUTO', 'SUPPRESS'],
  InputLossAction: ['EMIT_OUTPUT', 'PAUSE_OUTPUT'],
  RedundantManifest: ['DISABLED', 'ENABLED'],
}

interface OutputGroup {
  readonly OutputGroupSettings: { readonly HlsGroupSettings: Readonly<Record<string, unknown>> }
  readonly Outputs: readonly {
    readonly OutputSettings: { readonly HlsOutputSettings: { readonly NameModifier: string } }
  }[]
}

function read(name: string): OutputGroup {
  // The shape that the tests look at; a missing part fails them.
  return JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as OutputGroup
}

const VARIANTS = [
  {
    file: 'medialive-output-group-basic-put.json',
    cdn: { HlsBasicPutSettings: { ConnectionRetryInterval: 4, NumRetries: 5 } },
  },
  {
    file: 'medialive-output-group-akamai.json',
    cdn: { HlsAkamaiSettings: { ConnectionRetryInterval: 1, NumRetries: 10 } },
  },
] as const

for (const { file, cdn } of VARIANTS) {
  t.test(`${file} has the guide's values in the API's names`, async (t) => {
    const group = read(file)
    const settings = group.OutputGroupSettings.HlsGroupSettings
    for (const [name, value] of Object.entries(settings)) {
      const allowed = FIELDS[name]
      if (typeof allowed === 'string') t.equal(typeof value, allowed, name)
      else t.ok(allowed?.includes(String(value)), name)
    }
    t.match(settings['HlsCdnSettings'], cdn)
    t.equal(Object.keys(settings['HlsCdnSettings'] ?? {}).length, 1, 'one kind of CDN')
    t.ok(
      Number(settings['KeepSegments']) >= 2 * Number(settings['IndexNSegments']) + 1,
      'what a playlist names is kept',
    )
    t.same(
      group.Outputs.map((output) => output.OutputSettings.HlsOutputSettings.NameModifier),
      ['_480p30', '_240p30', '_720p30'],
    )
  })
}

t.test('the variants differ in how they talk to the origin, and in nothing else', async (t) => {
  const [basic, akamai] = VARIANTS.map(({ file }) => {
    const settings = Object.entries(read(file).OutputGroupSettings.HlsGroupSettings)
    return settings.filter(([name]) => name !== 'HlsCdnSettings')
  })
  t.same(basic, akamai)
})
