/** The bundled clip, read into memory. `scripts/make-demo-clip.mjs` makes its files. */

import { readFile } from 'node:fs/promises'
import { HeadwaterError } from '../../base/errors.ts'

/** One quality of the clip. */
export interface ClipRendition {
  /** As in `360p25`: lines and frames per second. */
  readonly name: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly bandwidthBitsPerSecond: number
  readonly averageBandwidthBitsPerSecond: number
  readonly codecs: string
  /** MPEG-TS segments, one for each of {@link DemoClip.durationsSeconds}. */
  readonly bodies: readonly Uint8Array[]
}

/** A clip whose renditions are cut at the same moments. */
export interface DemoClip {
  readonly framesPerSecond: number
  readonly durationsSeconds: readonly number[]
  /** Best quality first. */
  readonly renditions: readonly ClipRendition[]
}

interface ClipFile {
  readonly framesPerSecond: number
  readonly renditions: readonly (Omit<ClipRendition, 'bodies'> & {
    readonly segments: readonly { readonly file: string; readonly durationSeconds: number }[]
  })[]
}

/**
 * Reads `clip.json` and its segments (0.7 MB).
 *
 * @param directory  Where `clip.json` is, with a trailing slash; the bundled clip when absent. It
 * lies beside this file, in `src` and in `dist` alike.
 * @throws HeadwaterError `HW_DEMO_FAILED` when a file is missing or the renditions do not match.
 */
export async function readDemoClip(
  directory: URL = new URL('./clip/', import.meta.url),
): Promise<DemoClip> {
  try {
    // The file is ours, made by the script; its one property that must hold is checked below.
    const file = JSON.parse(await readFile(new URL('clip.json', directory), 'utf8')) as ClipFile
    const renditions = await Promise.all(
      file.renditions.map(async ({ segments, ...rendition }) => ({
        ...rendition,
        bodies: await Promise.all(
          segments.map(({ file: name }) => readFile(new URL(name, directory))),
        ),
      })),
    )
    const [first, ...others] = file.renditions.map(({ segments }) =>
      segments.map(({ durationSeconds }) => durationSeconds),
    )
    if (first === undefined || others.some((other) => String(other) !== String(first))) {
      throw new Error('The renditions of the clip are not cut alike.')
    }
    return { framesPerSecond: file.framesPerSecond, durationsSeconds: first, renditions }
  } catch (cause) {
    throw new HeadwaterError('HW_DEMO_FAILED', 'The demo clip cannot be read.', {
      detail: `It belongs in ${directory.href}; "npm run build" puts it there.`,
      cause,
    })
  }
}
