/**
 * Builds everything `node dist/main.js` needs: the server (tsc), the browser pages (esbuild) and
 * the demo clip. `--if-stale` builds only when a source is newer than the last build.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const stamp = join(dist, '.built')

/** Newest modification time below a path, in ms. */
function newestMs(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  let newest = stat.mtimeMs
  for (const name of readdirSync(path)) newest = Math.max(newest, newestMs(join(path, name)))
  return newest
}

const sources = [
  'src',
  'scripts/build.mjs',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
if (process.argv.includes('--if-stale') && existsSync(stamp)) {
  const builtAtMs = statSync(stamp).mtimeMs
  if (sources.every((source) => newestMs(join(root, source)) <= builtAtMs)) process.exit(0)
}

rmSync(dist, { recursive: true, force: true })
const require = createRequire(import.meta.url)
const tsc = join(require.resolve('@typescript/native/package.json'), '..', 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

// The pages: one bundle a page, hls.js inside, nothing from a CDN.
const consoleSource = join(root, 'src/console')
const entries = existsSync(consoleSource)
  ? readdirSync(consoleSource).filter((name) => /^[a-z-]+\.page\.ts$/.test(name))
  : []
if (entries.length > 0) {
  await build({
    entryPoints: entries.map((name) => join(consoleSource, name)),
    outdir: join(dist, 'console'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  })
  for (const name of readdirSync(consoleSource)) {
    if (/\.(html|css|svg)$/.test(name)) {
      cpSync(join(consoleSource, name), join(dist, 'console', name))
    }
  }
}

const clip = join(root, 'src/cli/demo/clip')
if (existsSync(clip)) cpSync(clip, join(dist, 'cli/demo/clip'), { recursive: true })

mkdirSync(dist, { recursive: true })
writeFileSync(stamp, '')
