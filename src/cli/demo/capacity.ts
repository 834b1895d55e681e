/** How much hot store a live channel needs. Arithmetic only; the command is `capacity-command.ts`. */

export interface CapacityInput {
  /** One for each rendition, in kbit/s (1000 bits) of all its streams together. */
  readonly bitratesKbps: readonly number[]
  readonly segmentSeconds: number
  /** How far back viewers may go: the segments' TTL. */
  readonly windowSeconds: number
  /** Container and peaks over the nominal bitrate. */
  readonly overhead?: number
  readonly channelCount?: number
}

export interface Capacity {
  /** In the order of the bitrates, for one channel. */
  readonly renditions: readonly {
    readonly bitrateKbps: number
    readonly segmentBytes: number
    readonly windowBytes: number
  }[]
  readonly segmentCount: number
  readonly channelBytes: number
  readonly totalBytes: number
}

/** Momento's figure. Source: Media Storage quick start, "Kbps / 8 x seconds x 1.1". */
export const CAPACITY_OVERHEAD = 1.1

/**
 * Bytes of hot store for a window of segments: `kbit/s / 8 x seconds x overhead` each, times the
 * segments in the window (rounded up). Playlists, keys and per-item overhead are not counted; they
 * are well under the tenth that is added.
 */
export function hotStoreBytes(input: CapacityInput): Capacity {
  const segmentCount = Math.ceil(input.windowSeconds / input.segmentSeconds)
  const renditions = input.bitratesKbps.map((bitrateKbps) => {
    const segmentBytes = Math.round(
      ((bitrateKbps * 1000) / 8) * input.segmentSeconds * (input.overhead ?? CAPACITY_OVERHEAD),
    )
    return { bitrateKbps, segmentBytes, windowBytes: segmentBytes * segmentCount }
  })
  const channelBytes = renditions.reduce((sum, { windowBytes }) => sum + windowBytes, 0)
  const totalBytes = channelBytes * (input.channelCount ?? 1)
  return { renditions, segmentCount, channelBytes, totalBytes }
}
