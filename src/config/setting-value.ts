/** Reading nested settings by path. */

/**
 * The value at a path such as `http.port` or `caches.items[0].name`; `undefined` when there is
 * none. Reads own properties only.
 */
export function settingValue(settings: object, path: string): unknown {
  let value: unknown = settings
  for (const name of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, name)?.value
  }
  return value
}
