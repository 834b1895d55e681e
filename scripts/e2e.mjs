/**
 * End-to-end tests: real encoders and a real browser (`npm run test:e2e`).
 *
 * Finds ffmpeg, ffprobe and Chromium: by `E2E_FFMPEG`, `E2E_FFPROBE`, `E2E_CHROMIUM`, on the PATH, or
 * where installers put them. What is missing is installed with apt when this is root on Debian; else
 * it is named with the command that installs it. With CI=true a missing tool fails the run. Without,
 * the tests that can run do, the others are listed as not run, and the exit code is that of those
 * that ran: `npm test` is of use on a machine with Node alone.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const isCi = process.env.CI === 'true'

const programFiles = [
  process.env.PROGRAMFILES,
  process.env['PROGRAMFILES(X86)'],
  process.env.LOCALAPPDATA,
]
const tools = [
  {
    name: 'ffmpeg',
    variable: 'E2E_FFMPEG',
    commands: ['ffmpeg'],
    paths: [],
    debian: 'ffmpeg',
    brew: 'brew install ffmpeg',
    winget: 'winget install Gyan.FFmpeg',
  },
  {
    name: 'ffprobe',
    variable: 'E2E_FFPROBE',
    commands: ['ffprobe'],
    paths: [],
    debian: 'ffmpeg',
    brew: 'brew install ffmpeg',
    winget: 'winget install Gyan.FFmpeg',
  },
  {
    name: 'Chromium (or Chrome, or Edge)',
    variable: 'E2E_CHROMIUM',
    commands: [
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
      'microsoft-edge',
    ],
    paths: [
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      ...programFiles
        .filter((folder) => folder !== undefined)
        .flatMap((folder) => [
          join(folder, 'Chromium/Application/chrome.exe'),
          join(folder, 'Google/Chrome/Application/chrome.exe'),
          join(folder, 'Microsoft/Edge/Application/msedge.exe'),
        ]),
    ],
    debian: 'chromium',
    brew: 'brew install --cask chromium',
    winget: 'winget install Google.Chrome',
  },
  {
    name: 'Varnish',
    variable: 'E2E_VARNISHD',
    commands: ['varnishd'],
    paths: ['/usr/sbin/varnishd'],
    debian: 'varnish',
    brew: 'brew install varnish',
    winget: '(there is none for Windows)',
  },
  {
    name: 'nginx',
    variable: 'E2E_NGINX',
    commands: ['nginx'],
    paths: ['/usr/sbin/nginx'],
    debian: 'nginx',
    brew: 'brew install nginx',
    winget: '(not under Windows)',
  },
  {
    name: "nginx's RTMP module",
    variable: 'E2E_NGINX_RTMP',
    commands: [],
    // A module: read, not executed.
    paths: ['/usr/lib/nginx/modules/ngx_rtmp_module.so'],
    isModule: true,
    debian: 'libnginx-mod-rtmp',
    brew: '(not packaged: build nginx with nginx-rtmp-module)',
    winget: '(not under Windows)',
  },
  {
    name: 'redis-server',
    variable: 'E2E_REDIS_SERVER',
    commands: ['redis-server', 'valkey-server'],
    paths: [],
    debian: 'redis-server',
    brew: 'brew install redis',
    winget: '(there is none for Windows)',
  },
  ...['prometheus', 'promtool'].map((command) => ({
    name: command,
    variable: `E2E_${command.toUpperCase()}`,
    commands: [command],
    paths: [],
    debian: 'prometheus',
    brew: 'brew install prometheus',
    winget: '(a download of the project: no package)',
  })),
  {
    name: 'Python 3',
    variable: 'E2E_PYTHON',
    commands: ['python3', 'python'],
    paths: [],
    debian: 'python3',
    brew: 'brew install python',
    winget: 'winget install Python.Python.3.13',
  },
  {
    name: 'a JDK, 17 or newer',
    variable: 'E2E_JAVA',
    commands: ['java'],
    paths: [],
    debian: 'openjdk-17-jdk-headless',
    brew: 'brew install openjdk',
    winget: 'winget install Microsoft.OpenJDK.21',
  },
  {
    name: 'Go',
    variable: 'E2E_GO',
    commands: ['go'],
    paths: ['/usr/local/go/bin/go'],
    debian: 'golang-go',
    brew: 'brew install go',
    winget: 'winget install GoLang.Go',
  },
]

/** Which tools each file needs, by variable. */
const suites = [
  { file: 'test/e2e/package.test.ts', needs: [] },
  { file: 'test/e2e/cli.test.ts', needs: [] },
  // Runs where HEADWATER_TEST_IMAGE names an image and a Docker engine answers.
  { file: 'test/e2e/testcontainers.test.ts', needs: [] },
  { file: 'test/e2e/github-action.test.ts', needs: [] },
  { file: 'test/e2e/languages.test.ts', needs: ['E2E_PYTHON', 'E2E_JAVA', 'E2E_GO'] },
  { file: 'test/e2e/ffmpeg.test.ts', needs: ['E2E_FFMPEG', 'E2E_FFPROBE'] },
  { file: 'test/e2e/capacity.test.ts', needs: ['E2E_FFMPEG'] },
  { file: 'test/e2e/disk.test.ts', needs: ['E2E_FFMPEG'] },
  { file: 'test/e2e/kill.test.ts', needs: ['E2E_FFMPEG'] },
  { file: 'test/e2e/restart.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  { file: 'test/e2e/recovery.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  { file: 'test/e2e/slow-uplink.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  {
    file: 'test/e2e/low-latency.test.ts',
    needs: ['E2E_FFMPEG', 'E2E_FFPROBE', 'E2E_CHROMIUM'],
  },
  { file: 'test/e2e/tls.test.ts', needs: ['E2E_FFMPEG', 'E2E_FFPROBE'] },
  { file: 'test/e2e/rig.test.ts', needs: ['E2E_CHROMIUM'] },
  { file: 'test/e2e/rig-clock.test.ts', needs: [] },
  { file: 'test/e2e/rig-seed.test.ts', needs: ['E2E_FFMPEG'] },
  { file: 'test/e2e/rig-players.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  { file: 'test/e2e/console.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  { file: 'test/e2e/console-steer.test.ts', needs: ['E2E_FFMPEG', 'E2E_CHROMIUM'] },
  { file: 'test/e2e/console-rig.test.ts', needs: ['E2E_CHROMIUM'] },
  { file: 'test/e2e/player.test.ts', needs: ['E2E_FFMPEG', 'E2E_FFPROBE', 'E2E_CHROMIUM'] },
  {
    file: 'test/e2e/cdn-varnish.test.ts',
    needs: ['E2E_VARNISHD', 'E2E_FFMPEG', 'E2E_FFPROBE', 'E2E_CHROMIUM'],
  },
  {
    file: 'test/e2e/cdn-nginx.test.ts',
    needs: ['E2E_NGINX', 'E2E_FFMPEG', 'E2E_FFPROBE', 'E2E_CHROMIUM'],
  },
  {
    file: 'test/e2e/pull.test.ts',
    needs: ['E2E_VARNISHD', 'E2E_FFMPEG', 'E2E_FFPROBE', 'E2E_CHROMIUM'],
  },
  { file: 'test/e2e/tapes.test.ts', needs: ['E2E_FFMPEG', 'E2E_FFPROBE'] },
  {
    file: 'test/e2e/compose-cluster.test.ts',
    needs: ['E2E_REDIS_SERVER', 'E2E_VARNISHD'],
  },
  { file: 'test/e2e/rolling.test.ts', needs: [] },
  { file: 'test/e2e/twin.test.ts', needs: ['E2E_VARNISHD', 'E2E_NGINX', 'E2E_FFMPEG'] },
  {
    file: 'test/e2e/cdn-rtmp.test.ts',
    needs: ['E2E_NGINX', 'E2E_NGINX_RTMP', 'E2E_FFMPEG', 'E2E_FFPROBE'],
  },
  ...[
    'store',
    'nodes',
    'failures',
    'network',
    'losses',
    'clocks',
    'outage',
    'start',
    'origins',
    'cluster',
    'sentinel',
    'tls',
    'together',
  ].map((part) => ({
    file: `test/e2e/valkey-${part}.test.ts`,
    needs: ['E2E_REDIS_SERVER'],
  })),
  {
    file: 'test/e2e/valkey-player.test.ts',
    needs: ['E2E_REDIS_SERVER', 'E2E_VARNISHD', 'E2E_NGINX', 'E2E_FFMPEG', 'E2E_CHROMIUM'],
  },
  { file: 'test/e2e/prometheus.test.ts', needs: ['E2E_PROMETHEUS', 'E2E_PROMTOOL'] },
]

// A file that nobody listed would never run, and nothing would tell.
const listed = new Set(suites.map(({ file }) => file))
const unlisted = readdirSync(join(root, 'test/e2e'))
  .filter((name) => name.endsWith('.test.ts') && !listed.has(`test/e2e/${name}`))
  .map((name) => `test/e2e/${name}`)
if (unlisted.length > 0) {
  console.error(`end-to-end: scripts/e2e.mjs does not list ${unlisted.join(', ')}`)
  process.exit(1)
}

function findTool(tool) {
  const given = process.env[tool.variable]
  if (given) return existsSync(given) ? given : undefined
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd'] : ['']
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    for (const command of tool.commands) {
      for (const suffix of suffixes) {
        const path = join(folder, command + suffix)
        if (isExecutable(path)) return path
      }
    }
  }
  return tool.paths.find(tool.isModule === true ? existsSync : isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isRootOnDebian() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  if (!existsSync('/etc/os-release')) return false
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function installWithApt(packages) {
  console.log(`end-to-end: installing ${packages.join(', ')} with apt-get`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) {
      console.error(`end-to-end: apt-get ${args[0]} failed`)
      return
    }
  }
}

let missing = tools.filter((tool) => findTool(tool) === undefined)
if (missing.length > 0 && isRootOnDebian()) {
  installWithApt([...new Set(missing.map((tool) => tool.debian))])
  missing = tools.filter((tool) => findTool(tool) === undefined)
}
for (const tool of missing) {
  console.error(`end-to-end: ${tool.name} is missing (or set ${tool.variable} to its path)`)
  console.error(`  Debian, Ubuntu:  sudo apt-get install ${tool.debian}`)
  console.error(`  macOS:           ${tool.brew}`)
  console.error(`  Windows:         ${tool.winget}`)
}
if (missing.length > 0 && isCi) {
  console.error('end-to-end: failed, since CI=true and nothing may be skipped')
  process.exit(1)
}

const missingVariables = new Set(missing.map((tool) => tool.variable))
const canRun = suites.filter(({ needs }) => !needs.some((name) => missingVariables.has(name)))
const notRun = suites.filter((suite) => !canRun.includes(suite))

let status = 0
if (canRun.length > 0) {
  // The player page is served from dist/.
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
  const env = { ...process.env }
  for (const tool of tools) {
    const path = findTool(tool)
    if (path !== undefined) env[tool.variable] = path
  }
  const manifestPath = createRequire(import.meta.url).resolve('tap/package.json')
  const { bin } = JSON.parse(readFileSync(manifestPath, 'utf8'))
  const tap = join(manifestPath, '..', typeof bin === 'string' ? bin : bin.tap)
  // The unit run leaves these files out (.taprc); here they are all there is.
  const args = ['--disable-coverage', '--timeout=240', '--jobs=1', '--exclude=node_modules/**']
  const ran = spawnSync(process.execPath, [tap, ...args, ...canRun.map(({ file }) => file)], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  status = ran.status ?? 1
}
for (const { file } of notRun)
  console.error(`end-to-end: NOT RUN: ${file} (tools are missing, see above)`)
process.exit(status)
