/** Entity and character references of XML (§4.1), as far as URIs need them. */

/**
 * Undoes `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and numeric references. Anything else that begins
 * with `&` stays, as in manifests that forgot to escape it.
 */
export function decodeXml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (reference, name: string | undefined, decimal?: string, hex?: string) => {
      if (name !== undefined) return NAMED_CHARS.get(name) ?? reference
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : reference
    },
  )
}

/** The reverse, for a text or an attribute's value. */
export function encodeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => REFERENCES.get(char) ?? char)
}

const NAMED_CHARS: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

const REFERENCES: ReadonlyMap<string, string> = new Map(
  [...NAMED_CHARS].map(([name, char]) => [char, `&${name};`]),
)
