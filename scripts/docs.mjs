/**
 * Writes the generated pages (settings, errors, metrics, OpenAPI, JSON Schema, `.env.example`) from
 * the sources, so that no build is needed first. `--check` only says which are stale.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
// Two floors down, as in the build: package.json is looked for from there.
const bundleDir = join(root, 'node_modules/.headwater-docs')

await build({
  entryPoints: {
    reference: join(root, 'src/config/reference.ts'),
    metrics: join(root, 'src/metrics/metrics-markdown.ts'),
    app: join(root, 'src/app.ts'),
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
const openApi = await openApiOf(await load('app'))
rmSync(bundleDir, { recursive: true, force: true })

let staleCount = 0
const pages = [
  ...referenceFiles(),
  ['docs/metrics.md', metricsMarkdown()],
  ['docs/openapi.json', openApi],
]
for (const [path, text] of pages) {
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

/** As a running server serves it: there is no other place where all its routes are known. */
async function openApiOf({ startHeadwater }) {
  const origin = await startHeadwater()
  try {
    const answer = await fetch(`${origin.adminUrl}/api/openapi.json`, {
      headers: { authorization: origin.keys.superUser },
    })
    return `${JSON.stringify(await answer.json(), null, 2)}\n`
  } finally {
    await origin.close()
  }
}

/** The file's text with the line ends of the generator, or nothing. */
function read(path) {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  } catch {
    // Ignored: a file that is not there is written.
    return undefined
  }
}
