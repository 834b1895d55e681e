/** An origin of a test rig, an encoder that pushes into it, and what a cache holds afterwards. */

import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../../src/app.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { cli } from '../cli-run.ts'
import type { CliRunOptions } from '../cli-run.ts'

export interface RigRun {
  readonly origin: Headwater
  readonly cwd: string
  readonly env: Record<string, string>
  /** Runs a command against this origin. */
  run(argv: readonly string[], more?: Partial<CliRunOptions>): ReturnType<typeof cli>
  /** Until a recording has begun, or all have ended. */
  untilRecording(count: number): Promise<void>
  stopRecording(cache?: string): Promise<void>
}

export async function openRigRun(
  t: Test,
  settings: StartOptions['settings'] = {},
  options: Omit<StartOptions, 'settings'> = {},
): Promise<RigRun> {
  const origin = await openOrigin(t, { rig: { enabled: true }, ...settings }, options)
  await origin.createCache('copy')
  const cwd = t.testdir({})
  const env = {
    HEADWATER_ADMIN_URL: origin.adminUrl,
    HEADWATER_ADMIN_KEY: origin.keys.superUser,
    HEADWATER_API_KEY: origin.keys.superUser,
  }
  const headers = { authorization: origin.keys.superUser }
  const list = async () => {
    const answer = await http(`${origin.adminUrl}/api/recordings`, { headers })
    // The shape is the route's.
    return (JSON.parse(answer.text) as { readonly recordings: readonly unknown[] }).recordings
  }
  return {
    origin,
    cwd,
    env,
    run: (argv, more = {}) => cli(argv, { cwd, env, ...more }),
    untilRecording: async (count) => {
      while ((await list()).length !== count) await new Promise((done) => setTimeout(done, 10))
    },
    stopRecording: async (cache = 'live-origin') => {
      await http(`${origin.adminUrl}/api/recordings/${cache}`, { method: 'DELETE', headers })
    },
  }
}

/** Records while the work runs. */
export async function recordTape(
  rig: RigRun,
  work: () => Promise<void>,
  flags: readonly string[] = [],
  cache = 'live-origin',
) {
  const recording = rig.run(['record', '--cache', cache, '--json', ...flags])
  await Promise.race([rig.untilRecording(1), recording])
  await work()
  await rig.stopRecording(cache)
  const { exitCode, out, err } = await recording
  if (exitCode !== 0) throw new Error(`record ended with ${exitCode}: ${err}`)
  // What the command prints.
  return JSON.parse(out) as { readonly file: string } & Record<string, number>
}

/** Key -> SHA-256 of all that a cache holds. */
export async function hashesOf(
  { origin }: RigRun,
  cache: string,
): Promise<Readonly<Record<string, string>>> {
  const headers = { authorization: origin.keys.superUser }
  const url = `${origin.adminUrl}/api/caches/${cache}`
  const page = await http(`${url}/objects?limit=1000`, { headers })
  // The shape is the route's.
  const { objects } = JSON.parse(page.text) as {
    readonly objects: readonly { readonly key: string; readonly keyBase64Url: string }[]
  }
  const hashes: Record<string, string> = {}
  for (const { key, keyBase64Url } of objects) {
    const answer = await http(`${url}/object?keyBase64Url=${keyBase64Url}`, { headers })
    hashes[key] = createHash('sha256').update(answer.body).digest('hex')
  }
  return hashes
}
