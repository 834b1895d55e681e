/** Environment variables that start like ours: which are settings, which are somebody's mistake. */

import { suggestion } from './closest-name.ts'
import { isServiceAddress } from './layers.ts'
import { SETTINGS } from './settings.ts'

/** Read by commands, not settings: where a server and the settings file are, and keys to use. */
export const COMMAND_ENV_NAMES: readonly string[] = [
  'HEADWATER_CONFIG',
  'HEADWATER_ADMIN_URL',
  'HEADWATER_ADMIN_KEY',
  'HEADWATER_API_KEY',
  'HEADWATER_DOCTOR_KEY',
  'HEADWATER_DOCTOR_SECOND_KEY',
]

/** What Kubernetes and Docker links inject for a service called `headwater…`. */
const SERVICE_NAME = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)\w*)$/

/**
 * One sentence for each unknown `HEADWATER_*` name, and one for all that an orchestrator made.
 * Values are never shown.
 */
export function envWarnings(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = SETTINGS.flatMap(({ envName, envFileName }) =>
    envFileName === undefined ? [envName] : [envName, envFileName],
  )
  known.push(...COMMAND_ENV_NAMES)
  const warnings: string[] = []
  const injected = SETTINGS.filter(
    (setting) => setting.type === 'integer' && isServiceAddress(env[setting.envName] ?? ''),
  ).map((setting) => setting.envName)
  for (const name of Object.keys(env).sort()) {
    if (!/^HEADWATER_/i.test(name) || known.includes(name)) continue
    // `HEADWATER_PORT=8080` is a person's, `HEADWATER_PORT=tcp://10.0.0.1:8080` is not.
    if (SERVICE_NAME.test(name) || isServiceAddress(env[name] ?? '')) injected.push(name)
    else warnings.push(`env ${name}: no such setting, ignored${suggestion(name, known)}`)
  }
  if (injected.length > 0) {
    warnings.push(
      `env ${injected.join(', ')}: look like addresses of a service called headwater, ignored`,
    )
  }
  return warnings
}
