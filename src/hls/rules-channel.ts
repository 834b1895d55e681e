/** What shows in a multivariant playlist, in the store, and between renditions. */

import { rule } from './validation-rule.ts'

export const CHANNEL_RULES = {
  'variants-none': rule(
    'error',
    '6.2.4',
    'The multivariant playlist has no variant: there is nothing to play.',
    'Have the encoder write an EXT-X-STREAM-INF with a URI for each variant.',
  ),
  'variants-many': rule(
    'warning',
    '6.2.4',
    'The multivariant playlist has very many variants. Players take long to start.',
    'Offer fewer variants; look for a template that repeats them.',
  ),
  'variant-duplicate': rule(
    'warning',
    '4.4.6.2',
    'Two variants are the same in URI, bandwidth and groups.',
    'Remove one of them.',
  ),
  'bandwidth-missing': rule(
    'error',
    '4.4.6.2',
    'A variant has no BANDWIDTH. Players cannot choose it, and some refuse the playlist.',
    'Set the bit rates in the encoder.',
  ),
  'stream-inf-without-uri': rule(
    'error',
    '4.4.6.2',
    'An EXT-X-STREAM-INF is not followed by a URI. Players take the next line for it.',
    'Use an encoder that writes the URI right after the tag.',
  ),
  'variant-group-missing': rule(
    'error',
    '4.4.6.2',
    'A variant names a group of renditions that no EXT-X-MEDIA has. Players drop the variant.',
    'Add the renditions or take the group off the variant.',
  ),
  'codecs-missing': rule(
    'info',
    '4.4.6.2',
    'A variant has no CODECS. Players have to load it to know if they can play it.',
    'Have the encoder write CODECS.',
  ),
  'resolution-missing': rule(
    'info',
    '4.4.6.2',
    'A variant with video has no RESOLUTION. Players cannot fit it to their window.',
    'Have the encoder write RESOLUTION.',
  ),
  'average-bandwidth-high': rule(
    'warning',
    '4.4.6.2',
    'AVERAGE-BANDWIDTH is higher than BANDWIDTH, the peak.',
    'Correct the bit rates in the encoder.',
  ),
  'rendition-incomplete': rule(
    'error',
    '4.4.6.1',
    'An EXT-X-MEDIA lacks TYPE, GROUP-ID or NAME. Players drop it.',
    'Use an encoder that writes all three.',
  ),
  'rendition-duplicate': rule(
    'error',
    '4.4.6.1.1',
    'Two renditions of a group have the same NAME. Viewers cannot choose between them.',
    'Give each rendition of a group its own name.',
  ),
  'playlist-names-itself': rule(
    'error',
    '6.2.4',
    'The multivariant playlist names itself as a variant or rendition. Players load it for ever.',
    'Give the media playlists other names than the multivariant playlist.',
  ),
  'segment-missing': rule(
    'error',
    '6.2.2',
    'Listed segments that are older than the newest one are not stored. Players get 404 and skip.',
    'Look at refused and failed uploads of the encoder, and at its TTL.',
  ),
  'part-missing': rule(
    'error',
    '6.2.2',
    'Listed parts that are older than the newest one are not stored.',
    'Upload parts before the playlist that lists them.',
  ),
  'init-missing': rule(
    'error',
    '4.4.4.5',
    'The init section is not stored. Nothing can be played.',
    'Upload it again, with a TTL as long as the channel runs; restarting the encoder does both.',
  ),
  'key-missing': rule(
    'error',
    '6.2.3',
    'A key is not stored. Its segments cannot be played.',
    'Upload the key with a TTL as long as the channel runs.',
  ),
  'rendition-target-durations-differ': rule(
    'warning',
    '6.2.4',
    'Media playlists of one channel differ in target duration by more than rounding.',
    'Use the same segment length for all variants and renditions.',
  ),
  'rendition-skew': rule(
    'warning',
    '6.2.4',
    'One media playlist is behind another. Players that switch to it stall.',
    'Look at the encoder: one variant may lack processor time, or its uploads fail.',
  ),
  'rendition-discontinuities-differ': rule(
    'warning',
    '6.2.4',
    'At the same segment, playlists differ in the number of discontinuities so far. Switching goes astray.',
    'Restart all variants of the encoder together.',
  ),
  'bandwidth-exceeded': rule(
    'warning',
    '4.4.6.2',
    'A segment has a higher bit rate than BANDWIDTH promises. Players choose the variant and stall.',
    'Limit the bit rate (maxrate and bufsize), or raise BANDWIDTH.',
  ),
  'segment-name-reused': rule(
    'warning',
    '6.2.2',
    'A segment that a live playlist had named was written again with other bytes. Caches and players that have the old ones go on with them.',
    'Start numbers by the time, so that a restarted encoder uses new names; or let caches forget segments soon.',
  ),
}
