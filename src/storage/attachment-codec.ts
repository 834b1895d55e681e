/** How what rules above hang on items gets into a durable store and back. */

import type { StoredItem } from './store.ts'

export interface AttachmentCodec {
  /** The part that has to last, as text. What can be computed from the body need not be in it. */
  toText(item: StoredItem): string
  /**
   * @param item  Complete but for its attachment, with its body when it is a playlist. Without it
   *   otherwise: attachments of everything else come from the text alone.
   * @param text  Of {@link toText}, by this or another version of the program.
   */
  fromText(item: StoredItem, text: string): unknown
}

export const NO_ATTACHMENTS: AttachmentCodec = { toText: () => '', fromText: () => undefined }
