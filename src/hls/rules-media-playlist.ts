/** What one media playlist shows by itself. Checked by `check-media-playlist.ts`. */

import { rule } from './validation-rule.ts'

export const MEDIA_PLAYLIST_RULES = {
  'target-duration-missing': rule(
    'error',
    '4.4.3.1',
    'There is no EXT-X-TARGETDURATION. Players cannot tell how often to reload.',
    'Use an encoder that writes it; a cut-off upload can be the cause, too.',
  ),
  'target-duration-exceeded': rule(
    'error',
    '4.4.3.1',
    'A segment, rounded to whole seconds, is longer than the target duration. Players stall at it.',
    'Fix the key frame interval to the segment length, and turn scene-cut key frames off.',
  ),
  'duration-missing': rule(
    'error',
    '4.4.4.1',
    'Segments have no EXTINF. Players guess their length or refuse the playlist.',
    'Use an encoder that writes EXTINF for each segment.',
  ),
  'playlist-empty': rule(
    'warning',
    '6.2.1',
    'The playlist names no segment. Most players give up on it instead of waiting.',
    'Upload the playlist only after its first segment.',
  ),
  'version-too-low': rule(
    'warning',
    '8',
    'EXT-X-VERSION is lower than the tags in use ask for. Strict players ignore these tags.',
    'Raise the version in the encoder, or turn the feature off.',
  ),
  'date-time-backwards': rule(
    'warning',
    '4.4.4.6',
    'A segment is dated before the one it follows, without a discontinuity. Seeking goes astray.',
    'Look after the clock of the encoder (NTP); restart it if its clock was set back.',
  ),
  'date-time-jump': rule(
    'warning',
    '4.4.4.3',
    'Dates go on differently from the durations, without EXT-X-DISCONTINUITY: media is missing or time jumps.',
    'Look for lost input or dropped frames at the encoder; have it write a discontinuity at breaks.',
  ),
  'segment-named-twice': rule(
    'warning',
    '6.2.2',
    'One URI stands for two segments. Caches and players give the first one twice.',
    'Use a name pattern with enough digits, or with the time.',
  ),
  'gap-announced': rule(
    'info',
    '4.4.4.7',
    'The encoder says by EXT-X-GAP that segments are missing. Players skip them or change variant.',
    'Look for lost input at the encoder.',
  ),
  'hold-back-short': rule(
    'error',
    '4.4.3.8',
    'HOLD-BACK is less than three target durations. Players run dry at the live edge.',
    'Raise it to three target durations or leave it out.',
  ),
  'part-hold-back-short': rule(
    'error',
    '4.4.3.8',
    'PART-HOLD-BACK is absent or less than two part targets, though there are parts.',
    'Set it to three part targets.',
  ),
  'skip-boundary-short': rule(
    'error',
    '4.4.3.8',
    'CAN-SKIP-UNTIL is less than six target durations. Players lose segments by delta updates.',
    'Raise it to six target durations or leave it out.',
  ),
  'delta-update-stored': rule(
    'error',
    '6.2.5.1',
    'The upload is a delta update (EXT-X-SKIP). Players that join cannot use it.',
    'Upload whole playlists; the origin makes delta updates when players ask for them.',
  ),
  'part-target-missing': rule(
    'error',
    '4.4.3.7',
    'There are parts but no EXT-X-PART-INF. Players ignore the parts.',
    'Use an encoder that writes EXT-X-PART-INF.',
  ),
  'part-duration-exceeded': rule(
    'error',
    '4.4.4.9',
    'A part is longer than the part target. Low-latency players stall at it.',
    'Raise PART-TARGET to the longest part, or shorten the parts.',
  ),
  'part-duration-short': rule(
    'warning',
    '4.4.4.9',
    'A part that does not end its segment is shorter than 85 % of the part target.',
    'Set the part target to a whole number of frames.',
  ),
  'parts-lingering': rule(
    'info',
    '4.4.4.9',
    'Parts are listed farther than three target durations from the end. It only makes the playlist long.',
    'Have the encoder list parts of the last segments only.',
  ),
  'preload-hint-stale': rule(
    'warning',
    '4.4.5.3',
    'The preload hint names a part that is listed already. Players ask for it twice and gain nothing.',
    'Have the encoder hint at the next part, or upload the playlist later.',
  ),
}
