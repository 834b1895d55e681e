/** A ladder of renditions: heights to sizes and bitrates. For the demo, and for lines to paste. */

/** One rung: a variant that ffmpeg encodes. */
export interface LadderRung {
  /** As the MediaLive guide names them: `480p30`. */
  readonly name: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly videoKbps: number
}

/** The largest height there is a bitrate for. */
export const LADDER_HEIGHT_PIXELS_MAX = 2160

/** 720, 480 and 240 lines as in the MediaLive guide, the others between. */
const BITRATES_KBPS: readonly (readonly [heightPixelsMax: number, videoKbps: number])[] = [
  [160, 300],
  [240, 750],
  [360, 1000],
  [480, 1500],
  [576, 1800],
  [720, 2500],
  [1080, 5000],
  [1440, 8000],
  [LADDER_HEIGHT_PIXELS_MAX, 14000],
]

/** Rungs for these heights, 16:9, in the order given. */
export function toLadder(
  heightsPixels: readonly number[],
  framesPerSecond: number,
): readonly LadderRung[] {
  return heightsPixels.map((heightPixels) => ({
    name: `${heightPixels}p${framesPerSecond}`,
    // Even, as 4:2:0 needs: 854x480, 426x240.
    widthPixels: Math.round((heightPixels * 16) / 9 / 2) * 2,
    heightPixels,
    videoKbps: BITRATES_KBPS.find(([max]) => heightPixels <= max)?.[1] ?? 0,
  }))
}
