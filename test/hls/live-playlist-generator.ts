/** Random live media playlists that move on as an encoder's do, the same for the same seed. */

interface GeneratedSegment {
  /** Before its parts, written when it begins. */
  readonly lines: readonly string[]
  /** After them. */
  readonly endLines: readonly string[]
  readonly parts: readonly string[]
  readonly uri: string
  readonly offsetBytes: number
  readonly changes: Changes
}

interface Changes {
  readonly key: string
  readonly map: string
  readonly dated: boolean
}

export interface LivePlaylistGenerator {
  /** A part, a segment or a few of them later. */
  advance(): void
  text(): string
}

const PART_COUNT = 4

export function openLivePlaylist(seed: number): LivePlaylistGenerator {
  const random = mulberry32(seed)
  const chance = (probability: number) => random() < probability
  const lineEnd = chance(0.3) ? '\r\n' : '\n'
  const isRanged = chance(0.3)
  const isEncrypted = chance(0.4)
  const windowCount = 10 + Math.floor(random() * 12)
  const segments: GeneratedSegment[] = []
  let first = Math.floor(random() * 1000)
  let discontinuitySequence = 0
  let changes: Changes = { key: '', map: '#EXT-X-MAP:URI="init0.mp4"', dated: true }
  let openPartCount = 0
  let rangeEndBytes = 0
  const partsOf = (msn: number) =>
    Array.from(
      { length: PART_COUNT },
      (_, index) => `#EXT-X-PART:DURATION=0.5,URI="p${msn}.${index}.m4s"`,
    )

  const addSegment = (): void => {
    const msn = first + segments.length
    const lines: string[] = []
    const before = changes
    if (segments.length > 0 && chance(0.15)) {
      lines.push('#EXT-X-DISCONTINUITY')
      changes = { ...changes, map: `#EXT-X-MAP:URI="init${msn}.mp4"`, dated: true }
    }
    if (isEncrypted && chance(0.2)) {
      const key = chance(0.2) ? 'METHOD=NONE' : `METHOD=AES-128,URI="k${msn}",IV=0x${msn}`
      changes = { ...changes, key: `#EXT-X-KEY:${key}` }
    }
    if (changes.key !== before.key) lines.push(changes.key)
    if (changes.map !== before.map) lines.push(changes.map)
    if (changes.dated || chance(0.2)) {
      lines.push(dateTag(msn))
    }
    changes = { ...changes, dated: false }
    const endLines = chance(0.1) ? ['#EXT-X-GAP'] : []
    if (chance(0.1)) {
      lines.push(`#EXT-X-DATERANGE:ID="d${msn}",START-DATE="2026-01-01T00:00:00Z",DURATION=1`)
    }
    if (chance(0.1)) lines.push('# whatever')
    if (isRanged) {
      endLines.push(`#EXT-X-BYTERANGE:100${chance(0.5) ? '' : `@${rangeEndBytes}`}`)
    }
    endLines.push('#EXTINF:2.00000,')
    const uri = isRanged ? 'all.m4s' : `s${msn}.m4s`
    segments.push({
      lines,
      endLines,
      parts: isRanged ? [] : partsOf(msn),
      uri,
      offsetBytes: rangeEndBytes,
      changes,
    })
    rangeEndBytes += 100
  }

  const head = (): string[] => {
    const [oldest] = segments
    const lines = ['#EXTM3U', ...(chance(0.5) ? ['#EXT-X-VERSION:6'] : [])]
    lines.push('#EXT-X-TARGETDURATION:2', '#EXT-X-PART-INF:PART-TARGET=0.5')
    lines.push('#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5')
    lines.push(`#EXT-X-MEDIA-SEQUENCE:${first}`)
    lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`)
    if (oldest === undefined) return lines
    // What held when the window began.
    if (oldest.changes.key !== '' && !oldest.lines.includes(oldest.changes.key)) {
      lines.push(oldest.changes.key)
    }
    if (!oldest.lines.includes(oldest.changes.map)) lines.push(oldest.changes.map)
    return lines
  }

  for (let count = 0; count <= windowCount; count++) addSegment()
  return {
    advance: () => {
      openPartCount++
      if (openPartCount <= PART_COUNT && chance(0.6)) return
      openPartCount = Math.floor(random() * 3)
      for (let count = chance(0.2) ? 2 : 1; count > 0; count--) addSegment()
      while (segments.length > windowCount + 1) {
        const gone = segments.shift()
        if (gone?.lines.includes('#EXT-X-DISCONTINUITY') === true) discontinuitySequence++
        first++
      }
    },
    text: () => {
      const lines = head()
      for (const [index, segment] of segments.entries()) {
        const isOpen = index === segments.length - 1
        const hasParts = index > segments.length - 5
        const parts = segment.parts.slice(0, isOpen ? openPartCount : PART_COUNT)
        if (!isOpen || parts.length > 0) lines.push(...segment.lines)
        const isDated = segment.lines.some((line) => line.includes('DATE-TIME'))
        if (index === 0 && !isDated) lines.push(dateTag(first))
        if (hasParts) lines.push(...parts)
        if (isOpen) break
        // The first range of a window has to have an offset.
        const range = `#EXT-X-BYTERANGE:100@${segment.offsetBytes}`
        const isBare = (line: string) => index === 0 && line.startsWith('#EXT-X-BYTERANGE')
        lines.push(...segment.endLines.map((line) => (isBare(line) ? range : line)), segment.uri)
      }
      if (!isRanged) {
        const next = first + segments.length - 1
        lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p${next}.${openPartCount}.m4s"`)
      }
      lines.push(`#EXT-X-RENDITION-REPORT:URI="other.m3u8",LAST-MSN=${first}`)
      return lines.join(lineEnd) + (chance(0.8) ? lineEnd : '')
    },
  }
}

function dateTag(msn: number): string {
  return `#EXT-X-PROGRAM-DATE-TIME:${new Date(Date.UTC(2026, 0, 1) + msn * 2000).toISOString()}`
}

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
