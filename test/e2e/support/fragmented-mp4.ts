/** Cuts a fragmented MP4 stream, as ffmpeg writes it to a pipe, into its init section and fragments. */

/** `moof` and `mdat` of one frame. */
export interface Fragment {
  readonly bytes: Buffer
  /** 1 is the first stream that was mapped. */
  readonly trackId: number
}

export interface FragmentReader {
  /** `ftyp` and `moov`; once. */
  onInit(bytes: Buffer): void
  onFragment(fragment: Fragment): void
}

/** Returns what takes the stream's chunks, in whatever pieces they come. */
export function readFragmentedMp4(reader: FragmentReader): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let kept: Buffer[] = []
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 8) {
      const sizeBytes = rest.readUInt32BE(0)
      if (sizeBytes < 8) throw new Error(`a box of ${String(sizeBytes)} bytes`)
      if (rest.length < sizeBytes) return
      const type = rest.toString('latin1', 4, 8)
      kept.push(rest.subarray(0, sizeBytes))
      rest = rest.subarray(sizeBytes)
      if (type !== 'moov' && type !== 'mdat') continue
      const bytes = Buffer.concat(kept)
      kept = []
      if (type === 'moov') reader.onInit(bytes)
      else reader.onFragment({ bytes, trackId: trackIdOf(bytes) })
    }
  }
}

/** Of the first track fragment header: size, type, version and flags are before it. */
function trackIdOf(bytes: Buffer): number {
  return bytes.readUInt32BE(bytes.indexOf('tfhd') + 8)
}
