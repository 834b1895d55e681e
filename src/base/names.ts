/**
 * The names of things, validated once and then trusted: a cache name, an item key, and the two
 * joined as the store's key. Transport decodes, these functions decide.
 */

declare const brand: unique symbol

/** A cache's name (Momento's namespace): `[A-Za-z0-9._-]{1,255}`. Made by {@link parseCacheName}. */
export type CacheName = string & { readonly [brand]: 'CacheName' }

/**
 * An item's key as a byte string: one char (0x00-0xff) per byte, {@link ITEM_KEY_BYTES_MAX} at
 * most. Keys are binary in Momento's API (`key_base64`), so UTF-8 text is kept as its bytes; an
 * ASCII key is its own byte string. Made by {@link parseItemKey} or {@link itemKeyFromText}.
 */
export type ItemKey = string & { readonly [brand]: 'ItemKey' }

/** `cacheName + '/' + itemKey`. Unambiguous, since a cache name has no slash. */
export type StoreKey = string & { readonly [brand]: 'StoreKey' }

export const ITEM_KEY_BYTES_MAX = 1024

const CACHE_NAME = /^[A-Za-z0-9._-]{1,255}$/

/** Text to a cache name; `undefined` when it is not one. */
export function parseCacheName(text: string): CacheName | undefined {
  return CACHE_NAME.test(text) ? (text as CacheName) : undefined
}

/**
 * A byte string (one char per byte) to a key; `undefined` when it is empty, longer than
 * {@link ITEM_KEY_BYTES_MAX} bytes, or holds a char over 0xff.
 */
export function parseItemKey(byteString: string): ItemKey | undefined {
  if (byteString.length === 0 || byteString.length > ITEM_KEY_BYTES_MAX) return undefined
  for (let index = 0; index < byteString.length; index++) {
    if (byteString.charCodeAt(index) > 0xff) return undefined
  }
  return byteString as ItemKey
}

/** Unicode text to a key: its UTF-8 bytes. `undefined` when it is empty or too long. */
export function itemKeyFromText(text: string): ItemKey | undefined {
  return parseItemKey(byteStringFromText(text))
}

/** Unicode text to the byte string of its UTF-8 form. ASCII comes back as it is. */
export function byteStringFromText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** A key for people and JSON: its UTF-8 text; bytes that are not UTF-8 become U+FFFD. */
export function formatItemKey(key: ItemKey): string {
  return isAscii(key) ? key : Buffer.from(key, 'latin1').toString('utf8')
}

export function toStoreKey(cacheName: CacheName, key: ItemKey): StoreKey {
  return `${cacheName}/${key}` as StoreKey
}

/** The two parts of a store key. */
export function splitStoreKey(storeKey: StoreKey): { cacheName: CacheName; key: ItemKey } {
  const slash = storeKey.indexOf('/')
  return {
    cacheName: storeKey.slice(0, slash) as CacheName,
    key: storeKey.slice(slash + 1) as ItemKey,
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return false
  }
  return true
}
