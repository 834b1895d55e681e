/** The ladder of the demo's ffmpeg channel: its defaults, and what `--ladder` may say. */

import { HeadwaterError } from '../../base/errors.ts'
import { LADDER_HEIGHT_PIXELS_MAX } from '../../base/lines/ladder.ts'

/** Small enough for a laptop's two slow cores, picture and encoder together. */
export const DEMO_LADDER_HEIGHTS: readonly number[] = [480, 360, 240]
export const DEMO_FRAMES_PER_SECOND = 25

const HEIGHT_PIXELS_MIN = 120
const RUNG_COUNT_MAX = 8

/**
 * The value of `--ladder` (`720,480,240`, a trailing `p` allowed) to heights.
 *
 * @throws HeadwaterError `HW_CLI_USAGE` naming the part that is wrong.
 */
export function parseLadder(text: string): readonly number[] {
  const heights = text.split(',').map((part) => {
    const match = /^\s*(\d{1,4})p?\s*$/i.exec(part)
    const height = Number(match?.[1] ?? 0)
    if (height < HEIGHT_PIXELS_MIN || height > LADDER_HEIGHT_PIXELS_MAX || height % 2 !== 0) {
      throw new HeadwaterError(
        'HW_CLI_USAGE',
        `--ladder: "${part.trim()}" is not an even number of lines from ` +
          `${HEIGHT_PIXELS_MIN} to ${LADDER_HEIGHT_PIXELS_MAX}.`,
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
