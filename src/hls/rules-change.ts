/** What shows when a media playlist follows another. Checked by `check-change.ts`. */

import { rule } from './validation-rule.ts'

export const CHANGE_RULES = {
  'encoder-restarted': rule(
    'info',
    '6.2.2',
    'The playlist begins anew: other segments, or numbers from the start. Players jump or reload.',
    'Nothing, if the restart was meant. Start numbers by the time so that names are not used again.',
  ),
  'media-sequence-backwards': rule(
    'error',
    '4.4.3.2',
    'The media sequence number went down: an older playlist came after a newer one. Players stall.',
    'Let only one encoder write this playlist, and let it send its uploads one after another.',
  ),
  'media-sequence-mismatch': rule(
    'error',
    '6.2.2',
    'The media sequence number did not grow by the number of segments removed. Players play segments twice or skip some.',
    'Use an encoder that counts right; two encoders on one playlist do this, too.',
  ),
  'segments-skipped': rule(
    'warning',
    '6.2.2',
    'Segments were numbered but never listed: playlists in between did not arrive.',
    'Look at refused and failed uploads, and at the uplink of the encoder.',
  ),
  'segments-removed-from-end': rule(
    'error',
    '6.2.2',
    'The newest segments are gone again. Players that have them are ahead of the playlist.',
    'Let only one encoder write this playlist, and let it send its uploads one after another.',
  ),
  'segment-removed-from-middle': rule(
    'error',
    '6.2.2',
    'Segments between others are gone. Segments may be removed from the beginning only.',
    'Mark segments that got lost with EXT-X-GAP instead.',
  ),
  'segment-inserted': rule(
    'error',
    '6.2.2',
    'Segments were put between those listed before. Segments may be added at the end only.',
    'Use an encoder that only appends.',
  ),
  'segment-changed': rule(
    'error',
    '6.2.2',
    'A media sequence number has another URI than before. Players play what they had, or both.',
    'Let only one encoder write this playlist.',
  ),
  'segment-duration-changed': rule(
    'warning',
    '6.2.2',
    'The EXTINF of a segment is another than before.',
    'Use an encoder that lists a segment only when it is complete.',
  ),
  'date-time-changed': rule(
    'warning',
    '6.2.2',
    'The date of a segment is another than before. Seeking by date goes astray.',
    'Look after the clock of the encoder (NTP).',
  ),
  'target-duration-changed': rule(
    'warning',
    '4.4.3.1',
    'The target duration changed. Players keep the one they saw first and reload too seldom or too often.',
    'Fix the key frame interval to the segment length, so that all segments are equally long.',
  ),
  'playlist-type-changed': rule(
    'warning',
    '4.4.3.5',
    'EXT-X-PLAYLIST-TYPE changed, which only players that join notice.',
    'Write a finished recording under another name.',
  ),
  'event-segments-removed': rule(
    'error',
    '4.4.3.5',
    'An EVENT playlist lost segments. It may only grow.',
    'Leave EXT-X-PLAYLIST-TYPE out for a sliding window.',
  ),
  'vod-changed': rule(
    'error',
    '4.4.3.5',
    'A VOD playlist changed. Players and caches never load it again.',
    'Write another recording under another name.',
  ),
  'continued-after-end': rule(
    'warning',
    '4.4.3.4',
    'The playlist goes on after EXT-X-ENDLIST. Players that saw the end do not come back.',
    'Have the encoder leave EXT-X-ENDLIST out when it will go on (ffmpeg: omit_endlist).',
  ),
  // An error by the RFC, but ffmpeg never counts them, and a single variant plays on.
  'discontinuity-sequence-wrong': rule(
    'warning',
    '4.4.3.3',
    'EXT-X-DISCONTINUITY-SEQUENCE did not grow by the discontinuities removed. Variants come apart when players switch.',
    'Use an encoder that counts discontinuities it removes.',
  ),
  'discontinuity-changed': rule(
    'error',
    '6.2.2',
    'A discontinuity came or went at a segment that was listed before.',
    'Use an encoder that marks a segment when it lists it first.',
  ),
  'window-short': rule(
    'info',
    '6.2.2',
    'The live window is shorter than three target durations. Players have little to start with.',
    'Raise the playlist length of the encoder to six segments.',
  ),
  'window-too-short': rule(
    'warning',
    '6.2.2',
    'The live window is shorter than two target durations. Players stall.',
    'Raise the playlist length of the encoder to six segments.',
  ),
  'preload-hint-unused': rule(
    'info',
    '6.2.6',
    'What the last preload hint named did not come next. Players asked for it in vain.',
    'Nothing, at a discontinuity; else have the encoder hint at the part it writes next.',
  ),
}
