/**
 * Real CDN programs for end-to-end tests: varnishd and nginx on loopback, in a directory of their
 * own, started by docker/cdn/entrypoint.sh as in their images.
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const CDN_DIRECTORY = fileURLToPath(new URL('../../../docker/cdn/', import.meta.url))
/** Varnish compiles its VCL before it listens: up to 5 s, more beside a busy encoder. */
const START_MS_MAX = 30_000

export type CdnProgram = 'varnish' | 'nginx'

export interface CdnOptions {
  /** `http://127.0.0.1:port` of what the CDN takes for the origin. */
  readonly originUrl: string
  readonly playerKey: string
  /** Of the second origin, when there are two. */
  readonly originBUrl?: string
}

/** Starts one for this test, as its image does, and returns its URL, no trailing slash. */
export async function openCdn(
  t: Test,
  program: CdnProgram,
  { originUrl, playerKey, originBUrl }: CdnOptions,
): Promise<string> {
  const directory = makeDirectory(t)
  const port = await freePort()
  const origin = new URL(originUrl)
  const originB = originBUrl === undefined ? undefined : new URL(originBUrl)
  const keyFile = join(directory, 'player-key.json')
  writeFileSync(keyFile, JSON.stringify({ apiKey: playerKey }, undefined, 2), { mode: 0o600 })
  // First on the PATH: the programs that scripts/e2e.mjs found.
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  const tool = program === 'varnish' ? 'varnishd' : 'nginx'
  const toolPath = process.env[`E2E_${tool.toUpperCase()}`]
  if (toolPath !== undefined) symlinkSync(toolPath, join(bin, tool))
  const child = spawn('sh', [join(CDN_DIRECTORY, 'entrypoint.sh'), program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      TMPDIR: directory,
      ORIGIN_HOST: origin.hostname,
      ORIGIN_PORT: origin.port,
      ...(originB && { ORIGIN_B_HOST: originB.hostname, ORIGIN_B_PORT: originB.port }),
      LISTEN: `127.0.0.1:${String(port)}`,
      PLAYER_KEY_FILE: keyFile,
      CACHE_SIZE: '64m',
    },
  })
  await superviseUntilListening(t, child, port, program)
  return `http://127.0.0.1:${String(port)}`
}

/** Runs render.sh with this environment and nothing of the test's own. */
export function renderTemplate(
  template: string,
  env: Readonly<Record<string, string>>,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync('sh', [join(CDN_DIRECTORY, 'render.sh'), join(CDN_DIRECTORY, template)], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
  })
}

/** Waits for the port; ends the program, and waits for that, when the test ends. */
export async function superviseUntilListening(
  t: Test,
  child: ChildProcess,
  port: number,
  name: string,
): Promise<void> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => (output += data.toString()))
  }
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const endsAtMs = performance.now() + START_MS_MAX
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > endsAtMs) {
      throw new Error(`${name} does not listen: ${output.slice(-2000)}`)
    }
    await sleep(20)
  }
}

/** A directory that other users may enter (the programs' workers do), removed at the end. */
export function makeDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-cdn-'))
  chmodSync(directory, 0o755)
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address, not a pipe's.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
