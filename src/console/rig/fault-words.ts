/** A rig's faults and scenarios in words and addresses. Pure. */

import type { FaultEventView, FaultInForce } from '../api/rig-types.ts'
import { countOf, formatSeconds } from '../ui/format-figures.ts'

const NAMED_MAX = 3
const EVENTS_SHOWN = 20

/** `key=*.ts probability=0.2`; '' when nothing narrows it. */
export function matchWords(match: Readonly<Record<string, unknown>> = {}): string {
  return Object.entries(match)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

export function endsWords({ endsInSeconds }: FaultInForce): string {
  return formatSeconds(Math.max(1, Math.ceil(endsInSeconds)))
}

/** `2 faults are on` */
export function onWords(count: number): string {
  return `${countOf(count, 'fault')} ${count === 1 ? 'is' : 'are'} on`
}

/** The first ones, each with what it did and how long it stays. */
export function faultsInWords(faults: readonly FaultInForce[]): string {
  const named = faults.slice(0, NAMED_MAX).map((each) => {
    const { id, fault, appliedCount } = each
    // Faults without a name of their own are called as what they do.
    const action = id === fault.action ? '' : `${fault.action}, `
    return `${id} (${action}${countOf(appliedCount, 'hit')}, ends in ${endsWords(each)})`
  })
  const rest = faults.length - named.length
  return `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** Newest first, as many as anybody reads. */
export function lastEvents(events: readonly FaultEventView[]): readonly FaultEventView[] {
  return events.slice(-EVENTS_SHOWN).reverse()
}

export interface ScenarioAddress {
  /** Of the data plane, without a slash at its end. */
  readonly mediaBase: string
  readonly scenario: string
  readonly cacheName: string
  readonly key: string
  readonly token: string
}

/** What a player loads to meet the scenario. */
export function scenarioUrl(address: ScenarioAddress): string {
  const { mediaBase, scenario, token } = address
  return `${mediaBase}/rig/${scenario}/cache/${pathOf(address)}?token=${encodeURIComponent(token)}`
}

/** The origin's own player page under the scenario; its token stays in the browser. */
export function scenarioPlayUrl(address: ScenarioAddress): string {
  const { mediaBase, scenario, token } = address
  return `${mediaBase}/play/${pathOf(address)}?scenario=${scenario}#token=${encodeURIComponent(token)}`
}

function pathOf({ cacheName, key }: ScenarioAddress): string {
  return [cacheName, ...key.split('/')].map(encodeURIComponent).join('/')
}
