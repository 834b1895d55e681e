/**
 * How long objects live by the name they have, whatever their writer asked for: the lifecycle rules
 * of AWS MediaStore, in seconds. One destination URL carries one `ttl_seconds`, and a channel wants
 * an hour of segments and a minute of playlists.
 */

import { compileKeyGlob } from '../base/key-glob.ts'
import type { KeyGlob } from '../base/key-glob.ts'
import type { ItemKey } from '../base/names.ts'

interface TtlRule {
  readonly glob: KeyGlob
  readonly ttlSeconds: number
}

/** Settings are frozen and few: each list is read once. */
const compiled = new WeakMap<readonly string[], readonly TtlRule[]>()

/**
 * Seconds by the first rule that matches; `undefined` when none does.
 *
 * @param rules  `<key pattern>=<seconds>`, checked by the schema of the settings.
 */
export function ttlSecondsByRule(rules: readonly string[], key: ItemKey): number | undefined {
  if (rules.length === 0) return undefined
  let known = compiled.get(rules)
  if (known === undefined) {
    known = rules.flatMap(readRule)
    compiled.set(rules, known)
  }
  return known.find(({ glob }) => glob.matches(key))?.ttlSeconds
}

function readRule(rule: string): readonly TtlRule[] {
  // The last one: a key may have an equals sign.
  const equals = rule.lastIndexOf('=')
  const glob = compileKeyGlob(rule.slice(0, equals))
  return glob === undefined ? [] : [{ glob, ttlSeconds: Number(rule.slice(equals + 1)) }]
}
