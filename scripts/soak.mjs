/**
 * The long run (`npm run soak -- --minutes 10`): builds the origin if it is stale, compiles
 * `test/soak/` and copies the build beside it, so that a build in the meantime does not change what
 * is running. Needs ffmpeg and ffprobe on the PATH, or in `E2E_FFMPEG` and `E2E_FFPROBE`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)

if (!args.includes('--help')) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], {
    stdio: ['ignore', 2, 2],
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
}

// Below node_modules, where packages are found and nobody looks for sources.
const cacheDir = join(root, 'node_modules/.cache')
mkdirSync(cacheDir, { recursive: true })
const buildDir = mkdtempSync(join(cacheDir, 'headwater-soak-'))
process.on('exit', () => rmSync(buildDir, { recursive: true, force: true }))

cpSync(join(root, 'package.json'), join(buildDir, 'package.json'))
cpSync(join(root, 'dist'), join(buildDir, 'dist'), { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['test/soak/main.ts'],
  outfile: join(buildDir, 'soak.js'),
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
})

const soak = spawn(process.execPath, [join(buildDir, 'soak.js'), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SOAK_MAIN: join(buildDir, 'dist/main.js') },
})
// Ctrl-C reaches the whole group; this waits for the run, then clears up.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => soak.kill(signal))
soak.on('exit', (code) => process.exit(code ?? 1))
