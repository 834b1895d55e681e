/** Momento's HTTP API, claim by claim (`npm run conformance -- --help`). */
import { runBundled } from './run-bundled.mjs'

await runBundled({ entryPoints: ['test/conformance/main.ts'], args: process.argv.slice(2) })
