/**
 * The long run (`npm run soak -- --minutes 10`). Needs ffmpeg and ffprobe on the PATH, or in
 * `E2E_FFMPEG` and `E2E_FFPROBE`.
 */
import { runBundled } from './run-bundled.mjs'

await runBundled({ entryPoints: ['test/soak/main.ts'], args: process.argv.slice(2) })
