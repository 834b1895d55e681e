import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { detectShell, formatPushLines } from '../../src/cli/shell-lines.ts'

const BASE = {
  publicUrl: 'http://127.0.0.1:8080',
  cacheName: 'live-origin',
  keyFile: '/data/encoder-key.json',
  columns: 98,
}

t.test('the shell: bash, but on Windows what the environment tells', async (t) => {
  t.equal(detectShell('linux', { PSModulePath: 'x' }), 'bash')
  t.equal(detectShell('darwin', {}), 'bash')
  const user = { PSModulePath: 'C:\\Users\\a\\Documents\\PowerShell\\Modules;C:\\Program Files' }
  t.equal(detectShell('win32', user), 'powershell')
  t.equal(detectShell('win32', { PSModulePath: 'C:\\Program Files\\WindowsPowerShell' }), 'cmd')
  t.equal(detectShell('win32', {}), 'cmd')
  t.equal(detectShell('win32', { ...user, MSYSTEM: 'MINGW64' }), 'bash')
})

t.test('bash reads the key from its file into the header', async (t) => {
  const [first, ...rest] = formatPushLines({ ...BASE, shell: 'bash' }).split('\n')
  t.equal(first, `KEY=$(node -p 'require("/data/encoder-key.json").apiKey')`)
  t.match(rest.join('\n'), `-headers "Authorization: $KEY"$'\\r\\n' \\`)
  for (const line of rest.filter((line) => !/http:/.test(line))) t.ok(line.length <= 98, line)
})

const hasBash = process.platform !== 'win32'

t.test('what bash makes of it is what ffmpeg needs', { skip: !hasBash }, async (t) => {
  const folder = t.testdir()
  const keyFile = join(folder, `it's "odd" $HOME.json`)
  writeFileSync(keyFile, '{"apiKey":"eyJ+/abc=="}')
  const lines = formatPushLines({ ...BASE, shell: 'bash', keyFile })
  const script = `ffmpeg() { printf '%s\\0' "$@"; }\n${lines}`
  const args = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0')
  t.equal(args[args.indexOf('-headers') + 1], 'Authorization: eyJ+/abc==\r\n')
  t.equal(args.at(-2), 'http://127.0.0.1:8080/cache/live-origin/playlist.m3u8?ttl_seconds=3600')
})

t.test('PowerShell and cmd have their own ways', async (t) => {
  const powershell = formatPushLines({ ...BASE, shell: 'powershell', keyFile: `C:\\it's\\k.json` })
  t.match(powershell, `$KEY = (Get-Content -Raw 'C:\\it''s\\k.json' | ConvertFrom-Json).apiKey`)
  t.match(powershell, '"Authorization: $KEY`r`n" `')
  const cmd = formatPushLines({ ...BASE, shell: 'cmd', keyFile: 'C:\\data\\k.json' })
  t.match(cmd, `require('C:/data/k.json').apiKey`)
  t.match(cmd, '"Authorization: %KEY%" ^')
})

t.test('a dev key is no secret: it is in the command', async (t) => {
  const lines = formatPushLines({ ...BASE, shell: 'bash', devKey: 'dev-encoder' })
  t.match(lines, /^ffmpeg/)
  t.match(lines, 'Authorization: dev-encoder')
})
