/** The balancer for encoders of docs/valkey.md, as it is printed there: a real nginx. */

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { freePort, makeDirectory, superviseUntilListening } from './cdn-process.ts'

const PAGE = fileURLToPath(new URL('../../../docs/valkey.md', import.meta.url))

/** In front of two origins, the first one preferred. Its URL, no trailing slash. */
export async function openPushBalancer(t: Test, urlA: string, urlB: string): Promise<string> {
  const text = /```nginx\n(.*?)```/s.exec(readFileSync(PAGE, 'utf8'))?.[1]
  if (text === undefined) throw new Error('docs/valkey.md has no configuration of nginx')
  const port = await freePort()
  const servers = text
    .replace('origin-a.example.com:8080', new URL(urlA).host)
    .replace('origin-b.example.com:8080', new URL(urlB).host)
    .replace('listen 8090;', `listen 127.0.0.1:${String(port)};`)
  const directory = makeDirectory(t)
  mkdirSync(join(directory, 'temp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path temp/${name};`)
    .join('\n')
  writeFileSync(
    join(directory, 'nginx.conf'),
    `pid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${servers}\n}\n`,
  )
  const nginx = process.env['E2E_NGINX'] ?? 'nginx'
  const args = ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;']
  const child = spawn(nginx, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  await superviseUntilListening(t, child, port, 'nginx')
  return `http://127.0.0.1:${String(port)}`
}
