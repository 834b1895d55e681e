/** The benches (`npm run bench -- --help`). */
import { runBundled } from './run-bundled.mjs'

await runBundled({
  entryPoints: ['bench/main.ts', 'bench/server-entry.ts', 'bench/store/store-bench.ts'],
  args: process.argv.slice(2),
})
