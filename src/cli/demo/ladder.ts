/** The ladder of the demo's ffmpeg channel: heights to renditions with sizes and bitrates. */

import { HeadwaterError } from '../../base/errors.ts'

/** One rung: a variant that ffmpeg encodes. */
export interface LadderRung {
  /** As the MediaLive guide names them: `480p30`. */
  readonly name: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly videoKbps: number
}

/** Small enough for a laptop's two slow cores, picture and encoder together. */
export const DEMO_LADDER_HEIGHTS: readonly number[] = [480, 360, 240]
export const DEMO_FRAMES_PER_SECOND = 25

const HEIGHT_PIXELS_MIN = 120
const HEIGHT_PIXELS_MAX = 2160
const RUNG_COUNT_MAX = 8

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
  [HEIGHT_PIXELS_MAX, 14000],
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

/**
 * The value of `--ladder` (`720,480,240`, a trailing `p` allowed) to heights.
 *
 * @throws HeadwaterError `HW_CLI_USAGE` naming the part that is wrong.
 */
export function parseLadder(text: string): readonly number[] {
  const heights = text.split(',').map((part) => {
    const match = /^\s*(\d{1,4})p?\s*$/i.exec(part)
    const height = Number(match?.[1] ?? 0)
    if (height < HEIGHT_PIXELS_MIN || height > HEIGHT_PIXELS_MAX || height % 2 !== 0) {
      throw new HeadwaterError(
        'HW_CLI_USAGE',
        `--ladder: "${part.trim()}" is not an even number of lines from ` +
          `${HEIGHT_PIXELS_MIN} to ${HEIGHT_PIXELS_MAX}.`,
        { detail: 'Give heights, comma separated: --ladder 720,480,240' },
      )
    }
    return height
  })
  if (new Set(heights).size !== heights.length) {
    throw new HeadwaterError('HW_CLI_USAGE', `--ladder ${text}: a height is given twice.`)
  }
  if (heights.length > RUNG_COUNT_MAX) {
    throw new HeadwaterError('HW_CLI_USAGE', `--ladder: at most ${RUNG_COUNT_MAX} renditions.`)
  }
  return heights
}
