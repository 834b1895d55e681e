/** The objects that are measured and the requests for them: fixed, so that runs can be compared. */

export const KIB = 1024
export const CACHE_NAME = 'live-origin'
/** Renditions: readers go round them, so that no single object stays in the CPU's cache. */
export const RENDITION_COUNT = 20
/** 1.5 KB of media playlist. */
export const PLAYLIST_SEGMENT_COUNT = 23

export interface BenchObject {
  /** Request target of the object, without a query. */
  readonly path: string
  readonly body: Buffer
}

/** Live media playlists of about 1,500 bytes, one per rendition. */
export function playlists(): readonly BenchObject[] {
  return renditions((rendition) => ({
    path: pathOf(`rendition_${rendition}/index.m3u8`),
    body: Buffer.from(playlistText(rendition), 'utf8'),
  }))
}

/** Segments of exactly `sizeBytes`, one per rendition. */
export function segments(sizeBytes: number): readonly BenchObject[] {
  return renditions((rendition) => ({
    path: pathOf(`rendition_${rendition}/size_${sizeBytes}.ts`),
    body: segmentBody(sizeBytes, rendition),
  }))
}

/** Bytes that neither repeat nor compress, the same in every run; starts as MPEG-TS does. */
export function segmentBody(sizeBytes: number, seed: number): Buffer {
  const body = Buffer.allocUnsafeSlow(sizeBytes)
  let state = (seed + 1) * 0x9e3779b1
  for (let index = 0; index < sizeBytes; index++) {
    // Marsaglia's xorshift32.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    body[index] = state & 0xff
  }
  body[0] = 0x47
  return body
}

export function pathOf(key: string): string {
  return `/cache/${CACHE_NAME}/bench/${key}`
}

/** What a browser's player sends: with the key some 800 bytes of head. */
export function playerHeaders(apiKey: string): Record<string, string> {
  return {
    Authorization: apiKey,
    Accept: '*/*',
    'Accept-Encoding': 'gzip, deflate, br, zstd',
    'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
    Origin: 'https://player.example',
    Referer: 'https://player.example/live/channel-1',
    'Sec-Fetch-Dest': 'empty',
    'Sec-Fetch-Mode': 'cors',
    'Sec-Fetch-Site': 'cross-site',
    'User-Agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36',
  }
}

/** What an encoder sends. */
export function encoderHeaders(apiKey: string): Record<string, string> {
  return { Authorization: apiKey, Accept: '*/*', 'User-Agent': 'Lavf/60.16.100' }
}

/** A request's head as bytes. */
export function requestHead(
  method: string,
  url: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const { host } = new URL(url)
  return Buffer.from(
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`,
    'latin1',
  )
}

/** A body in chunked framing: ffmpeg's, in chunks as large as its buffer. */
export function chunkedBody(body: Buffer, chunkBytes: number): Buffer {
  const pieces: Buffer[] = []
  for (let offset = 0; offset < body.length; offset += chunkBytes) {
    const chunk = body.subarray(offset, offset + chunkBytes)
    pieces.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

function renditions(make: (rendition: number) => BenchObject): readonly BenchObject[] {
  return Array.from({ length: RENDITION_COUNT }, (_, rendition) => make(rendition))
}

function playlistText(rendition: number): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    '#EXT-X-TARGETDURATION:4',
    '#EXT-X-MEDIA-SEQUENCE:41200',
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ]
  for (let index = 0; index < PLAYLIST_SEGMENT_COUNT; index++) {
    lines.push(
      '#EXTINF:4.000000,',
      `segments/video_1080p_r${rendition}_${41200 + index}_abcdefg.ts`,
    )
  }
  return `${lines.join('\n')}\n`
}
