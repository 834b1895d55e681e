/**
 * The child that is measured: an origin out of `dist`, driven by messages of its parent. Nothing
 * else runs in this process. Arguments: the URL of `app.js`, then as JSON the settings, whether
 * requests are observed, and the data directory ('': a temporary one).
 */

import type * as App from '../src/app.ts'
import type { PartialConfig } from '../src/config/schema.ts'

export type ServerMessage =
  | {
      readonly kind: 'ready'
      readonly dataPlaneUrl: string
      readonly adminUrl: string
      /** An encoder's API key: reads and writes `live-origin`. */
      readonly apiKey: string
    }
  | {
      readonly kind: 'usage'
      readonly rssBytes: number
      readonly rssBytesPeak: number
      readonly userCpuUs: number
      readonly systemCpuUs: number
    }

export type ServerCommand = 'usage' | 'stop'

const [appUrl = '', settingsText = '{}', observeText = 'true', dataDirText = '""'] =
  process.argv.slice(2)
const app = (await import(appUrl)) as typeof App
// JSON of this bench's own making (server-process.ts).
const dataDir = JSON.parse(dataDirText) as string
const origin = await app.startHeadwater({
  ...(dataDir === '' ? {} : { dataDir }),
  settings: JSON.parse(settingsText) as PartialConfig,
  observeRequests: observeText === 'true',
})

process.on('message', (command: ServerCommand) => {
  if (command === 'stop') stop()
  else reply(usage())
})
// A parent that died leaves no origin behind.
process.on('disconnect', stop)

reply({
  kind: 'ready',
  dataPlaneUrl: origin.dataPlaneUrl,
  adminUrl: origin.adminUrl,
  apiKey: origin.keys.encoder,
})

function usage(): ServerMessage {
  const { user, system } = process.cpuUsage()
  return {
    kind: 'usage',
    rssBytes: process.memoryUsage.rss(),
    rssBytesPeak: process.resourceUsage().maxRSS * 1024,
    userCpuUs: user,
    systemCpuUs: system,
  }
}

function reply(message: ServerMessage): void {
  process.send?.(message)
}

function stop(): void {
  void origin.close().finally(() => process.exit(0))
}
