/**
 * `/rig/<scenario>/cache/…`: the same items under the faults of a scenario. The prefix is taken off
 * here, so that keys mean what they always mean, and remembered.
 */

import type { IncomingMessage } from 'node:http'
import type { Faults, ScenarioRun } from '../../rig/faults.ts'

const RIG_TARGET = /^\/rig\/([^/?#]{1,130})(\/cache(?:[/?].*)?)$/s

const runs = new WeakMap<IncomingMessage, ScenarioRun>()

/** Takes the prefix of a known scenario off the target; of all else nothing. May be called twice. */
export function enterScenario(faults: Faults, request: IncomingMessage): void {
  const { url = '' } = request
  if (!url.startsWith('/rig/')) return
  const [, path = '', target] = RIG_TARGET.exec(url) ?? []
  const run = target === undefined ? undefined : faults.run(path)
  if (run === undefined || target === undefined) return
  request.url = target
  runs.set(request, run)
}

/** The scenario that a request was asked by; `undefined` for a plain one. */
export function scenarioOf(request: IncomingMessage): ScenarioRun | undefined {
  return runs.get(request)
}
