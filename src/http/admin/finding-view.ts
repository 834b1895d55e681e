/** Findings as the admin API shows them. */

import Type from 'typebox'
import type { Static } from 'typebox'
import { formatIsoTime } from '../../base/dates.ts'
import { formatItemKey } from '../../base/names.ts'
import type { CacheName, ItemKey } from '../../base/names.ts'
import { oneOf } from '../../config/sections/fields.ts'
import { RULES } from '../../hls/validation-rules.ts'
import type { KeptFinding } from '../../origin/findings.ts'
import { closed, Time } from './route.ts'
import type { ReadonlyDeep } from './route.ts'

export const FindingSchema = Type.Object(
  {
    at: Time,
    cache: Type.String(),
    key: Type.String({ description: 'Of the playlist.' }),
    rule: Type.String(),
    severity: oneOf(['error', 'warning', 'info'], {}),
    section: Type.String({ description: 'Of RFC 8216bis, or where else the rule is from.' }),
    message: Type.String(),
    whatToDo: Type.String({ description: 'What the operator of the encoder can do.' }),
  },
  closed,
)

/** A finding and where it was found. */
export interface PlacedFinding extends KeptFinding {
  readonly cacheName: CacheName
  readonly key: ItemKey
}

export function viewFinding(finding: PlacedFinding): ReadonlyDeep<Static<typeof FindingSchema>> {
  const { atMs, cacheName, key, rule, severity, section, message } = finding
  return {
    at: formatIsoTime(atMs),
    cache: cacheName,
    key: formatItemKey(key),
    rule,
    severity,
    section,
    message,
    whatToDo: RULES[rule].whatToDo,
  }
}
