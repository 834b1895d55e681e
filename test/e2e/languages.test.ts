/** The examples of `docs/testing.md` in other languages, run as they stand in the repository. */

import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLES = [
  { folder: 'python', tool: 'E2E_PYTHON', args: ['-m', 'unittest', 'test_origin'], says: /^OK$/m },
  { folder: 'java', tool: 'E2E_JAVA', args: ['OriginTest.java'], says: /^ok$/m },
  { folder: 'go', tool: 'E2E_GO', args: ['test', 'origin_test.go'], says: /^ok\s/m },
] as const

for (const { folder, tool, args, says } of EXAMPLES) {
  t.test(`the example in ${folder} runs as it is`, async (t) => {
    // A copy: interpreters and compilers leave files beside what they run.
    const cwd = await mkdtemp(join(tmpdir(), `headwater-${folder}-`))
    t.teardown(() => rm(cwd, { recursive: true, force: true }))
    await cp(join(ROOT, 'docs/examples', folder), cwd, { recursive: true })
    const command = process.env[tool] ?? folder
    const { exitCode, out } = await run(command, args, cwd)
    t.equal(exitCode, 0, out)
    t.match(out, says)
  })
}

function run(command: string, args: readonly string[], cwd: string) {
  const env = {
    ...process.env,
    HEADWATER: `${process.execPath} ${join(ROOT, 'dist/main.js')}`,
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    // Go's own: a single file without a module, and a cache that goes with the folder.
    GO111MODULE: 'off',
    GOCACHE: join(cwd, '.cache'),
  }
  return new Promise<{ exitCode: number | null; out: string }>((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, out }))
  })
}
