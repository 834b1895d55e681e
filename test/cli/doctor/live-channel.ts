/** A small live channel, as texts and bytes, that goes on by one segment when told. */

export interface ChannelFile {
  readonly name: string
  readonly body: string | Buffer
}

const SEGMENT_SECONDS = 2
const WINDOW_SEGMENTS = 6
const VARIANTS = ['240p', '480p']

export class LiveChannel {
  /** Put behind each variant's name in the multivariant playlist: `?token=…`. */
  readonly #variantQuery: string
  #next = WINDOW_SEGMENTS

  constructor(variantQuery = '') {
    this.#variantQuery = variantQuery
  }

  /** One more segment for each variant. @returns What an encoder would push for it. */
  goOn(): readonly ChannelFile[] {
    this.#next++
    return VARIANTS.flatMap((variant) => [
      this.#segment(variant, this.#next - 1),
      this.#media(variant),
    ])
  }

  /** All that is there now. */
  files(): readonly ChannelFile[] {
    return [
      this.#multivariant(),
      ...VARIANTS.flatMap((variant) => [
        ...this.#numbers().map((number) => this.#segment(variant, number)),
        { name: `init_${variant}.mp4`, body: Buffer.alloc(700, variant) },
        this.#media(variant),
      ]),
    ]
  }

  #numbers(): readonly number[] {
    return Array.from(
      { length: WINDOW_SEGMENTS },
      (_, index) => this.#next - WINDOW_SEGMENTS + index,
    )
  }

  #multivariant(): ChannelFile {
    const lines = VARIANTS.flatMap((variant, index) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${(index + 1) * 500_000},RESOLUTION=426x240`,
      `playlist_${variant}.m3u8${this.#variantQuery}`,
    ])
    return { name: 'playlist.m3u8', body: `${['#EXTM3U', ...lines].join('\n')}\n` }
  }

  #media(variant: string): ChannelFile {
    const numbers = this.#numbers()
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`,
      `#EXT-X-MEDIA-SEQUENCE:${numbers[0]}`,
      `#EXT-X-MAP:URI="init_${variant}.mp4"`,
      ...numbers.flatMap((number) => [`#EXTINF:${SEGMENT_SECONDS}.0,`, nameOf(variant, number)]),
    ]
    return { name: `playlist_${variant}.m3u8`, body: `${lines.join('\n')}\n` }
  }

  #segment(variant: string, number: number): ChannelFile {
    return { name: nameOf(variant, number), body: Buffer.alloc(3000, `${variant}${number}`) }
  }
}

function nameOf(variant: string, number: number): string {
  return `playlist_${variant}_${String(number).padStart(5, '0')}.m4s`
}
