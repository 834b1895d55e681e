/** What `serve` shows on a terminal when it is ready. Text from facts; nothing is looked up here. */

import type { CommandShell } from '../base/lines/ffmpeg-command.ts'
import {
  MEDIALIVE_USER,
  formatAkamaiUrl,
  formatBasicPutUrl,
  isLocalUrl,
} from '../base/lines/medialive.ts'
import { wrapText } from '../config/settings-help.ts'
import { formatPushLines } from './shell-lines.ts'
import { formatBytes } from './text-table.ts'

export interface BannerFacts {
  readonly version: string
  /** How this machine reaches the data plane. */
  readonly dataPlaneUrl: string
  /** What encoders and players are told; often the same. */
  readonly publicUrl: string
  readonly adminUrl: string
  /** Absent without a certificate. */
  readonly tlsUrl: string | undefined
  /** Absolute. */
  readonly dataDir: string
  /** Absolute. */
  readonly encoderKeyFile: string
  readonly hotStoreSizeBytesMax: number
  readonly cacheName: string
  /** With the token in its fragment. */
  readonly playerUrl: string
  /** The console with a single-use secret in its fragment. */
  readonly signInUrl: string
  /** Further URLs of this machine in its network, with `--lan`. */
  readonly lanUrls: readonly string[]
  /** A picture of {@link playerUrl}, as text. */
  readonly qrCode: string | undefined
  /** The dev encoder key when dev keys are on. */
  readonly devKey: string | undefined
  /** What somebody should not overlook. */
  readonly warnings: readonly string[]
  readonly shell: CommandShell
  readonly columns: number
  readonly colours: boolean
}

const WIDTH_MAX = 100
const INDENT = '  '
const LABEL_CHARS = 10

/** Ends with a line break. URLs and commands stand alone on their lines: they are copied. */
export function formatBanner(facts: BannerFacts): string {
  const paint = painter(facts.colours)
  const width = Math.max(40, Math.min(WIDTH_MAX, facts.columns)) - INDENT.length
  const prose = (text: string) => wrapText(text, width).map((line) => `${INDENT}${line}`)
  return [
    '',
    `${INDENT}${paint.bold(`Headwater ${facts.version}`)} is running.`,
    '',
    ...addressLines(facts, paint),
    '',
    `${INDENT}${paint.bold('Push with ffmpeg')}: paste this into another terminal.`,
    '',
    formatPushLines({ ...facts, keyFile: facts.encoderKeyFile, columns: width }),
    '',
    ...mediaLiveLines(facts, paint, prose),
    '',
    `${INDENT}${paint.bold('Watch')} it in a browser:`,
    '',
    facts.playerUrl,
    '',
    ...(facts.qrCode === undefined ? [] : [facts.qrCode, '']),
    `${INDENT}${paint.bold('Open the console')}: this link signs you in, once, within 10 minutes.`,
    '',
    facts.signInUrl,
    '',
    ...facts.warnings.flatMap((warning) => [
      ...prose(`WARNING: ${warning}`).map((line) => paint.yellow(line)),
      '',
    ]),
    `${INDENT}${paint.dim('Ctrl-C stops it. What happens to channels and uploads shows below.')}`,
    '',
    '',
  ].join('\n')
}

function addressLines(facts: BannerFacts, paint: Painter): string[] {
  const { dataPlaneUrl, publicUrl, tlsUrl, adminUrl, dataDir, lanUrls } = facts
  const rows: [string, string, string][] = [
    ['Origin', publicUrl, 'encoders push, players and CDNs pull'],
    ...lanUrls
      .filter((url) => url !== publicUrl)
      .map((url): [string, string, string] => ['', url, 'the same, in another network']),
    ...(publicUrl === dataPlaneUrl
      ? []
      : [['', dataPlaneUrl, 'the same, on this machine'] satisfies [string, string, string]]),
    ...(tlsUrl === undefined || tlsUrl === publicUrl
      ? []
      : [['', tlsUrl, 'the same, by TLS'] satisfies [string, string, string]]),
    ['Admin', adminUrl, 'console, admin API and metrics'],
    ['Data', dataDir, 'keys and caches'],
    ['Keys', 'encoder-key.json', 'read and write, in the data directory'],
    ['', 'player-key.json', 'read only'],
    ['', 'super-user-key.json', 'everything'],
    ['Memory', formatBytes(facts.hotStoreSizeBytesMax), 'for objects; a restart begins empty'],
  ]
  // A long path must not push the notes of all lines to the right.
  const widths = rows.map(([, value]) => value.length).filter((length) => length <= 36)
  const valueChars = Math.max(20, ...widths)
  return rows.map(([label, value, note]) => {
    const head = `${INDENT}${paint.dim(label.padEnd(LABEL_CHARS))}${value.padEnd(valueChars)}`
    return note === '' ? head.trimEnd() : `${head}  ${paint.dim(note)}`
  })
}

function mediaLiveLines(
  facts: BannerFacts,
  paint: Painter,
  prose: (text: string) => string[],
): string[] {
  const url = `${facts.publicUrl}/cache/${facts.cacheName}/playlist.m3u8`
  const key = facts.devKey ?? 'ENCODER_KEY'
  const where =
    facts.devKey === undefined ? ' ENCODER_KEY stands for the apiKey in encoder-key.json.' : ''
  const reach = isLocalUrl(facts.publicUrl)
    ? ' AWS must reach the URL: set --http-public-url to the one it has from outside.'
    : ''
  return [
    `${INDENT}${paint.bold('Push with AWS MediaLive')}: an HLS output group, by one of two ways.`,
    ...(where + reach === '' ? [] : prose(`${where}${reach}`.trim())),
    '',
    `${INDENT}A  CDN setting ${paint.bold('HLS basic put')}, destination`,
    formatBasicPutUrl(url, key),
    '',
    `${INDENT}B  CDN setting ${paint.bold('HLS Akamai')}, user ${paint.bold(MEDIALIVE_USER)}, password ${paint.bold(key)}, destination`,
    formatAkamaiUrl(url),
  ]
}

export interface Painter {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly yellow: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
}

/** Colours for a terminal, or none at all. */
export function painter(colours: boolean): Painter {
  const paint = (on: number, off: number) => (text: string) =>
    colours && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    yellow: paint(33, 39),
    red: paint(31, 39),
    green: paint(32, 39),
  }
}
