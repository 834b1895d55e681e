/**
 * Builds everything `node dist/main.js` needs: the server (tsc), the browser pages (esbuild) and
 * the demo clip. `--if-stale` builds only when a source is newer than the last build.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
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
  // The console shows them.
  'docker/cdn',
  'docker/cloudfront',
  'scripts/build.mjs',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.console.json',
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

// The pages. Nothing from a CDN. The player is one file, hls.js inside; the console's files have
// their content's hash in their names, and what only some pages need is a file of its own.
const consoleSource = join(root, 'src/console')
const options = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  logLevel: 'warning',
  tsconfig: join(root, 'tsconfig.console.json'),
}
if (existsSync(consoleSource)) {
  await build({
    ...options,
    entryPoints: [join(consoleSource, 'player.page.ts')],
    outdir: join(dist, 'console'),
  })
  const { metafile } = await build({
    ...options,
    entryPoints: [
      join(consoleSource, 'console.page.tsx'),
      join(consoleSource, 'styles/console.css'),
    ],
    // `light-dark()` as it is: esbuild's replacement needs no target that lacks it.
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    outdir: join(dist, 'console/assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    // CDN configurations, which the page Connect fills in.
    loader: { '.conf': 'text', '.vcl': 'text', '.yaml': 'text' },
    splitting: true,
    metafile: true,
  })
  const built = Object.entries(metafile.outputs)
  const nameOf = (entry) =>
    basename(built.find(([, output]) => output.entryPoint?.endsWith(entry))?.[0] ?? '')
  cpSync(join(consoleSource, 'player-icon.svg'), join(dist, 'console/assets/headwater.svg'))
  // The bundles hold other people's work; their licences ask to be handed on with it.
  const licences = ['preact', 'uplot', 'hls.js'].map(
    (name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`,
  )
  writeFileSync(join(dist, 'console/assets/licences.txt'), licences.join('\n\n'))
  const page = readFileSync(join(consoleSource, 'console.html'), 'utf8')
    .replace('{script}', `/console/${nameOf('console.page.tsx')}`)
    .replace('{styles}', `/console/${nameOf('console.css')}`)
    .replace('{icon}', '/console/headwater.svg')
  writeFileSync(join(dist, 'console/console.html'), page)
  for (const name of ['player.html', 'player.css', 'player-icon.svg']) {
    cpSync(join(consoleSource, name), join(dist, 'console', name))
  }
}

const clip = join(root, 'src/cli/demo/clip')
if (existsSync(clip)) cpSync(clip, join(dist, 'cli/demo/clip'), { recursive: true })

mkdirSync(dist, { recursive: true })
writeFileSync(stamp, '')
