/**
 * Runs a TypeScript program of this repository beside a copy of the build, so that a build in the
 * meantime does not change what is running. Builds the origin first if it is stale.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * @param {{ entryPoints: string[], args: string[] }} options  The first entry point is the program;
 *   `BUILT_MAIN` tells it where the copied origin is. `--no-build` takes the build as it is.
 */
export async function runBundled({ entryPoints, args }) {
  const [program = ''] = entryPoints
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
  const buildDir = mkdtempSync(join(cacheDir, 'headwater-run-'))
  process.on('exit', () => rmSync(buildDir, { recursive: true, force: true }))

  cpSync(join(root, 'package.json'), join(buildDir, 'package.json'))
  if (!args.includes('--help')) {
    cpSync(join(root, 'dist'), join(buildDir, 'dist'), { recursive: true })
  }
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir: buildDir,
    outbase: dirname(program),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })

  const entry = basename(program).replace(/\.ts$/, '.js')
  const child = spawn(process.execPath, [join(buildDir, entry), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, BUILT_MAIN: join(buildDir, 'dist/main.js') },
  })
  // Ctrl-C reaches the whole group; this waits for the run, then clears up.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
}
