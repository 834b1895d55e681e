/**
 * What the origin hangs on an item at its PUT, so that no read parses or computes it again.
 */

import type { StoreKey } from '../base/names.ts'
import { parsePlaylist } from '../hls/playlist.ts'
import type { Playlist } from '../hls/playlist.ts'
import type { AttachmentCodec } from '../storage/attachment-codec.ts'
import type { StoredItem } from '../storage/store.ts'

export interface ItemNotes {
  /** Parsed form of a playlist; `undefined` for everything else. */
  readonly playlist: Playlist | undefined
  /** How the item was named at its PUT: relative URIs in a playlist resolve by it. */
  readonly keyForm: 'path' | 'query'
  /** `max-age` before the remaining TTL caps it, seconds. Settled again when its channel changes. */
  maxAgeSeconds: number
  /** The live playlist that has named it as a segment, last of all; `undefined` when none has. */
  namedBy: StoreKey | undefined
}

const NONE: ItemNotes = {
  playlist: undefined,
  keyForm: 'path',
  maxAgeSeconds: 1,
  namedBy: undefined,
}

/** The notes of an item. An item that another process stored has none of ours: it gets the careful ones. */
export function notesOf(item: StoredItem): ItemNotes {
  // The attachment is `unknown` to drivers; this module is the only one that makes it.
  return (item.attachment as ItemNotes | undefined) ?? { ...NONE }
}

/** Notes in a durable store: what a PUT alone knows. Playlists are parsed again. */
export const notesCodec: AttachmentCodec = {
  toText: (item) => {
    const { keyForm, maxAgeSeconds } = notesOf(item)
    return JSON.stringify({ keyForm, maxAgeSeconds })
  },
  fromText: (item, text): ItemNotes => ({
    ...NONE,
    playlist: playlistOf(item),
    ...parseText(text),
  }),
}

function playlistOf({ kind, chunks }: StoredItem): Playlist | undefined {
  if (kind !== 'media' && kind !== 'multivariant') return undefined
  return parsePlaylist(Buffer.concat(chunks).toString('utf8'))
}

function parseText(text: string): Partial<Pick<ItemNotes, 'keyForm' | 'maxAgeSeconds'>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Ignored: of another version of the program, or of none. The careful notes do.
    return {}
  }
  if (typeof value !== 'object' || value === null) return {}
  // Each member is checked; an object of JSON has no closer type.
  const { keyForm, maxAgeSeconds } = value as Readonly<Record<string, unknown>>
  return {
    ...(keyForm === 'path' || keyForm === 'query' ? { keyForm } : {}),
    ...(typeof maxAgeSeconds === 'number' && maxAgeSeconds >= 0 ? { maxAgeSeconds } : {}),
  }
}
