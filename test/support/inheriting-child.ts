/**
 * An origin as a supervisor starts it: listening sockets from `LISTEN_FDS`, stopped by SIGTERM. Run
 * by `listening-parent.ts` with the data directory and the kind of storage as its arguments; prints one JSON line.
 */

import { startHeadwater } from '../../src/app.ts'
import { takeListenFds } from '../../src/cli/listen-fds.ts'

// The parent cannot know the pid beforehand; a shell would write LISTEN_PID=$$ and exec.
process.env['LISTEN_PID'] = String(process.pid)
const inheritedSockets = takeListenFds(process.env, process.pid)
const origin = await startHeadwater({
  dataDir: process.argv[2] ?? '',
  settings: {
    http: { shutdownSeconds: 5 },
    storage: { kind: process.argv[3] === 'disk' ? 'disk' : 'memory' },
  },
  ...(inheritedSockets === undefined ? {} : { inheritedSockets }),
})
process.on('SIGTERM', () => {
  void origin.close().then(() => process.exit(0))
})
const { dataPlaneUrl, keys } = origin
process.stdout.write(`${JSON.stringify({ dataPlaneUrl, ...keys })}\n`)
