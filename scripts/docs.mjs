/**
 * Writes the generated pages (settings, errors, metrics, JSON Schema, `.env.example`) from the
 * sources, so that no build is needed first. `--check` only says which are stale.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const bundleDir = join(root, 'node_modules/.cache/headwater-docs')

await build({
  entryPoints: {
    reference: join(root, 'src/config/reference.ts'),
    metrics: join(root, 'src/metrics/metrics-markdown.ts'),
  },
  outdir: bundleDir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
const load = (name) => import(pathToFileURL(join(bundleDir, `${name}.mjs`)).href)
const { referenceFiles } = await load('reference')
const { metricsMarkdown } = await load('metrics')
rmSync(bundleDir, { recursive: true, force: true })

let staleCount = 0
for (const [path, text] of [...referenceFiles(), ['docs/metrics.md', metricsMarkdown()]]) {
  if (read(join(root, path)) === text) continue
  staleCount++
  if (process.argv.includes('--check')) {
    console.error(`${path} is stale: npm run docs`)
    continue
  }
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(`${path} written`)
}
if (process.argv.includes('--check') && staleCount > 0) process.exit(1)

/** The file's text with the line ends of the generator, or nothing. */
function read(path) {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  } catch {
    // Ignored: a file that is not there is written.
    return undefined
  }
}
