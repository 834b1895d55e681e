/**
 * Whether a text gives a credential away, wherever it stands: in a comment, an unknown tag, a CDATA
 * section. The last check before a playlist is stored, after `token-hygiene.ts` has cleaned its URIs.
 */

import { percentDecodeTolerant } from './uri-parameters.ts'
import { decodeXml } from './xml-references.ts'

/** Shorter pieces of base64 turn up by chance. */
const BASE64_CHARS_MIN = 12

/**
 * Whether `text` holds `credential` as it is, percent-encoded (once or twice, in whole or in part),
 * with XML references, broken by tabs or NULs, or inside of base64 (both alphabets, as of
 * `Basic base64(user:credential)`).
 *
 * @param text  A body's bytes as latin1.
 * @param credential  As it was sent or as it was verified: ask for each of them if they differ. One
 * char per byte; '' is never found.
 */
export function containsCredential(text: string, credential: string): boolean {
  if (credential === '') return false
  const needles = [credential, ...base64Forms(credential)]
  return readingsOf(text).some((reading) => needles.some((needle) => reading.includes(needle)))
}

/** The text as it is and as what reads it may take it. */
function readingsOf(text: string): readonly string[] {
  const readings = [text]
  const add = (reading: string): void => {
    if (reading !== readings.at(-1)) readings.push(reading)
  }
  // URL parsers drop tabs and, in XML, line ends; UTF-16 has a NUL in every ASCII char.
  add(/[\t\0<]/.test(text) ? text.replace(/[\t\r\n\0]/g, '') : text)
  for (const decode of [decodeXml, percentDecodeTolerant, percentDecodeTolerant]) {
    add(decode(readings.at(-1) ?? text))
  }
  return readings
}

/**
 * What base64 of a longer text holds of it, whatever stands before and after: at each of the three
 * alignments the digits that its bytes alone make up.
 */
function base64Forms(credential: string): readonly string[] {
  const forms: string[] = []
  for (const offset of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(credential, 'latin1')])
    const digitCount = Math.floor((bytes.length * 8) / 6)
    const digits = bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), digitCount)
    if (digits.length < BASE64_CHARS_MIN) continue
    forms.push(digits)
    const urlDigits = digits.replaceAll('+', '-').replaceAll('/', '_')
    if (urlDigits !== digits) forms.push(urlDigits)
  }
  return forms
}
