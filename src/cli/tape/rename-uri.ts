/** The name in a URI of an item made another, whichever way the key is written. */

import { joinUri, splitUri } from '../../hls/uri-parameters.ts'

/** Puts the suffix before the extension of the item's name: `a/b.ts?x` to `a/b_2.ts?x`. */
export function renameUri(uri: string, suffix: string): string {
  const split = splitUri(uri, 'line')
  const parameter = split.parameters?.find(({ name, value }) => isKey(name) && value !== '')
  if (parameter === undefined) return joinUri({ ...split, path: renamePath(split.path, suffix) })
  const { name, value } = parameter
  const written =
    name === 'key'
      ? renamePath(parameter.text, suffix)
      : `key_base64=${base64Of(renamePath(Buffer.from(value, 'base64url').toString('latin1'), suffix))}`
  const parameters = split.parameters?.map((each) =>
    each === parameter ? { ...each, text: written } : each,
  )
  return joinUri({ ...split, parameters })
}

function isKey(name: string): boolean {
  return name === 'key' || name === 'key_base64'
}

function renamePath(path: string, suffix: string): string {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/')
    ? `${path.slice(0, dot)}${suffix}${path.slice(dot)}`
    : path + suffix
}

function base64Of(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('base64url')
}
