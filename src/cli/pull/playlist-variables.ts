/**
 * Variables of a playlist (EXT-X-DEFINE, RFC 8216bis §4.3, §4.4.2.3), put in where they are used: a
 * pulled playlist has none, since their values may be credentials. Bounded, since each line may double
 * the last one.
 */

import { parseAttributes } from '../../hls/playlist-lines.ts'

const VARIABLES_MAX = 200
const VALUE_CHARS_MAX = 4096
/** All that is put into one playlist. */
const INSERTED_CHARS_MAX = 8 * 1024 * 1024

export class PlaylistVariables {
  readonly #url: URL
  readonly #imported: ReadonlyMap<string, string>
  readonly #values = new Map<string, string>()
  /** Those from the query of the playlist's URL: for URIs alone. */
  readonly #secrets = new Map<string, string>()
  #insertedChars = 0

  /** @param imported  What the multivariant playlist defines. */
  constructor(url: URL, imported: ReadonlyMap<string, string> = new Map()) {
    this.#url = url
    this.#imported = imported
  }

  /** Values by name, for media playlists that import them. */
  get values(): ReadonlyMap<string, string> {
    return this.#values
  }

  /** @param text  The attribute list of the tag. */
  define(text: string): void {
    if (this.#values.size + this.#secrets.size >= VARIABLES_MAX) return
    const attributes = parseAttributes(text)
    const name = attributes.get('NAME')
    const imported = attributes.get('IMPORT')
    const parameter = attributes.get('QUERYPARAM')
    if (name !== undefined) this.#set(name, this.inLine(attributes.get('VALUE') ?? ''))
    else if (imported !== undefined) this.#set(imported, this.#imported.get(imported) ?? '')
    else if (parameter !== undefined) {
      this.#secrets.set(parameter, this.#url.searchParams.get(parameter) ?? '')
    }
  }

  /** For tags. */
  inLine(text: string): string {
    return this.#replace(text, (name) => this.#values.get(name))
  }

  inUri(text: string): string {
    return this.#replace(text, (name) => this.#values.get(name) ?? this.#secrets.get(name))
  }

  #set(name: string, value: string): void {
    if (value.length <= VALUE_CHARS_MAX) this.#values.set(name, value)
  }

  #replace(text: string, valueOf: (name: string) => string | undefined): string {
    if (!text.includes('{$')) return text
    return text.replace(/\{\$([A-Za-z0-9_-]{1,256})\}/g, (whole, name: string) => {
      const value = valueOf(name) ?? whole
      this.#insertedChars += value.length
      return this.#insertedChars > INSERTED_CHARS_MAX ? whole : value
    })
  }
}
