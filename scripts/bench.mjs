/**
 * Runs the benches (`npm run bench -- --help`): builds the origin if it is stale, compiles `bench/`
 * and copies the build beside it, so that a build in the meantime does not change what is measured.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)

if (!args.includes('--no-build') && !args.includes('--help')) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], {
    // stdout is for the result alone.
    stdio: ['ignore', 2, 2],
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
}

// Below node_modules, where packages are found and nobody looks for sources.
const cacheDir = join(root, 'node_modules/.cache')
mkdirSync(cacheDir, { recursive: true })
const buildDir = mkdtempSync(join(cacheDir, 'headwater-bench-'))
process.on('exit', () => rmSync(buildDir, { recursive: true, force: true }))

cpSync(join(root, 'package.json'), join(buildDir, 'package.json'))
cpSync(join(root, 'dist'), join(buildDir, 'dist'), { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['bench/main.ts', 'bench/server-entry.ts', 'bench/store/store-bench.ts'],
  outdir: buildDir,
  outbase: 'bench',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
})

const bench = spawn(process.execPath, [join(buildDir, 'main.js'), ...args], {
  cwd: root,
  stdio: 'inherit',
})
// Ctrl-C reaches the whole group; this waits for the bench, then clears up.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal))
bench.on('exit', (code) => process.exit(code ?? 1))
