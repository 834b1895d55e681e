/** The validator of multivariant playlists (RFC 8216bis §4.4.6, §6.2.4). */

import type { MultivariantPlaylist, Rendition, Variant } from './playlist.ts'
import { countOf, formatUri, toFinding } from './validation-rules.ts'
import type { Finding } from './validation-rules.ts'

/** More variants than this are a mistake, not an offer. */
export const VARIANTS_MAX = 200

const VIDEO_CODEC = /(?:^|,)\s*(?:avc|hvc|hev|dvh|dva|vp0?[89]|av01|vvc)/i

export interface MultivariantUpload {
  readonly next: MultivariantPlaylist
  /** Whether a URI leads to the playlist itself. */
  readonly isSelf?: ((uri: string) => boolean) | undefined
}

/** What is wrong with an upload, each rule at most once; empty for a sound one. */
export function validateMultivariant({ next, isSelf }: MultivariantUpload): readonly Finding[] {
  const findings: Finding[] = []
  const { variants, renditions } = next
  if (next.streamInfWithoutUriCount > 0) {
    const count = next.streamInfWithoutUriCount
    const message = `${countOf(count, 'EXT-X-STREAM-INF tag')} have no URI.`
    findings.push(toFinding('stream-inf-without-uri', message, { count }))
  }
  if (variants.length === 0) {
    findings.push(toFinding('variants-none', 'There is no variant.', { variantCount: 0 }))
  }
  if (variants.length > VARIANTS_MAX) {
    const message = `There are ${variants.length} variants.`
    findings.push(toFinding('variants-many', message, { variantCount: variants.length }))
  }
  const uris = [...variants, ...renditions].map(({ uri }) => uri)
  const own =
    isSelf === undefined ? undefined : uris.find((uri) => uri !== undefined && isSelf(uri))
  if (own !== undefined) {
    const message = `${formatUri(own)} is the multivariant playlist itself.`
    findings.push(toFinding('playlist-names-itself', message, {}))
  }
  return [...findings, ...checkVariants(variants, renditions), ...checkRenditions(renditions)]
}

function checkVariants(
  variants: readonly Variant[],
  renditions: readonly Rendition[],
): readonly Finding[] {
  const groups = new Set(renditions.map(({ type, groupId }) => `${type} ${groupId}`))
  const seen = new Set<string>()
  const counts = {
    'bandwidth-missing': 0,
    'variant-duplicate': 0,
    'variant-group-missing': 0,
    'codecs-missing': 0,
    'resolution-missing': 0,
    'average-bandwidth-high': 0,
  }
  for (const variant of variants) {
    const { uri, bandwidthBitsPerSecond, averageBandwidthBitsPerSecond, codecs } = variant
    // One percent is rounding: Shaka Packager measures both, in different ways.
    if (bandwidthBitsPerSecond === 0) counts['bandwidth-missing']++
    else if ((averageBandwidthBitsPerSecond ?? 0) > bandwidthBitsPerSecond * 1.01) {
      counts['average-bandwidth-high']++
    }
    if (codecs === undefined) counts['codecs-missing']++
    else if (VIDEO_CODEC.test(codecs) && variant.resolution === undefined) {
      counts['resolution-missing']++
    }
    if (groupsOf(variant).some((group) => !groups.has(group))) counts['variant-group-missing']++
    // The same URI may stand once for each group of audio.
    const identity = JSON.stringify([uri, bandwidthBitsPerSecond, codecs, groupsOf(variant)])
    if (seen.has(identity)) counts['variant-duplicate']++
    seen.add(identity)
  }
  const words = {
    'bandwidth-missing': 'have no BANDWIDTH',
    'variant-duplicate': 'are there twice',
    'variant-group-missing': 'name a group that is not there',
    'codecs-missing': 'have no CODECS',
    'resolution-missing': 'have video and no RESOLUTION',
    'average-bandwidth-high': 'have an AVERAGE-BANDWIDTH over their BANDWIDTH',
  }
  const findings: Finding[] = []
  for (const rule of CHECKED) {
    const count = counts[rule]
    if (count === 0) continue
    const message = `${count} of ${countOf(variants.length, 'variant')} ${words[rule]}.`
    findings.push(toFinding(rule, message, { count, variantCount: variants.length }))
  }
  return findings
}

const CHECKED = [
  'bandwidth-missing',
  'variant-duplicate',
  'variant-group-missing',
  'codecs-missing',
  'resolution-missing',
  'average-bandwidth-high',
] as const

function groupsOf({ groupIds }: Variant): readonly string[] {
  const { audio, video, subtitles, closedCaptions } = groupIds
  return [
    ...(audio === undefined ? [] : [`AUDIO ${audio}`]),
    ...(video === undefined ? [] : [`VIDEO ${video}`]),
    ...(subtitles === undefined ? [] : [`SUBTITLES ${subtitles}`]),
    ...(closedCaptions === undefined ? [] : [`CLOSED-CAPTIONS ${closedCaptions}`]),
  ]
}

function checkRenditions(renditions: readonly Rendition[]): readonly Finding[] {
  const names = new Set<string>()
  let incompleteCount = 0
  let duplicateCount = 0
  for (const { type, groupId, name } of renditions) {
    if (type === '' || groupId === '' || name === '') {
      incompleteCount++
      continue
    }
    const identity = JSON.stringify([type, groupId, name])
    if (names.has(identity)) duplicateCount++
    names.add(identity)
  }
  const findings: Finding[] = []
  const total = countOf(renditions.length, 'rendition')
  if (incompleteCount > 0) {
    const message = `${incompleteCount} of ${total} lack TYPE, GROUP-ID or NAME.`
    findings.push(toFinding('rendition-incomplete', message, { count: incompleteCount }))
  }
  if (duplicateCount > 0) {
    const message = `${duplicateCount} of ${total} have the name of another in their group.`
    findings.push(toFinding('rendition-duplicate', message, { count: duplicateCount }))
  }
  return findings
}
