/** Text of strangers, made fit to be shown: names, keys, user agents. Credentials: `redact.ts`. */

/**
 * Without control characters, which could move the cursor or rewrite what is shown, and at most
 * `charsMax` long.
 */
export function toPlainText(text: string, charsMax = 80): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?')
  return plain.length <= charsMax ? plain : `${plain.slice(0, charsMax)}…`
}
