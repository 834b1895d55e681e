import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'

const FOLDER = fileURLToPath(new URL('../../docker/github-action/', import.meta.url))

interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string }>>
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>
  readonly runs: {
    readonly using: string
    readonly steps: readonly {
      readonly run?: string
      readonly uses?: string
      readonly env?: Readonly<Record<string, string>>
    }[]
  }
}

for (const name of ['start', 'collect']) {
  const text = readFileSync(`${FOLDER}${name}/action.yml`, 'utf8')
  // Checked member by member below.
  const action = parse(text) as Action
  const script = readFileSync(`${FOLDER}${name}/${name}.sh`, 'utf8')

  t.test(`${name}: inputs reach the script by the environment, never as text of a command`, (t) => {
    t.equal(action.runs.using, 'composite')
    const [step] = action.runs.steps
    t.equal(step?.run, `"$GITHUB_ACTION_PATH/${name}.sh"`)
    for (const [variable, value] of Object.entries(step?.env ?? {})) {
      t.match(script, new RegExp(`\\$\\{?${variable}\\b`), `${variable} is read`)
      const [, input = ''] = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value) ?? []
      t.ok(action.inputs[input], `${value} is an input`)
    }
    t.end()
  })

  t.test(`${name}: other people's actions are pinned to a commit`, (t) => {
    for (const { uses } of action.runs.steps) {
      if (uses !== undefined) t.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
    }
    t.end()
  })

  t.test(`${name}: each output is written by the script`, (t) => {
    const roles = script.match(/for role in ([a-z -]+);/)?.[1]?.split(' ') ?? []
    const written = [...script.matchAll(/echo "([a-z-]+)=/g)].map(([, output]) => output)
    written.push(...roles.map((role) => `${role}-key`))
    for (const [output, { value }] of Object.entries(action.outputs ?? {})) {
      t.equal(value, `\${{ steps.start.outputs.${output} }}`)
      t.ok(written.includes(output), output)
    }
    t.end()
  })

  t.test(`${name}: the script is one for bash`, { skip: process.platform === 'win32' }, (t) => {
    const { status, stderr } = spawnSync('bash', ['-n', `${FOLDER}${name}/${name}.sh`])
    t.equal(status, 0, String(stderr))
    t.end()
  })
}
