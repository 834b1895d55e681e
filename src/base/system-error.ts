/** What the operating system said, out of whatever was thrown. */

/**
 * `ENOENT` and the like; '' for an error without a code. Asks for the member, not for the class: under
 * jest, Node's own errors come from another realm and are no `instanceof Error`.
 */
export function systemErrorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
