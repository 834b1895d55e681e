/**
 * The GitHub Action's two scripts on a real Docker engine, as a runner starts them:
 * `HEADWATER_TEST_IMAGE=headwater` names the image. Without it nothing runs, and the output says so.
 */

import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'

const FOLDER = fileURLToPath(new URL('../../docker/github-action/', import.meta.url))
const image = process.env['HEADWATER_TEST_IMAGE'] ?? ''
const skip = image === '' && 'HEADWATER_TEST_IMAGE names no image'

t.test('starts, hands out URLs and masked keys, and tells what was seen', { skip }, async (t) => {
  const workDir = await mkdtemp(join(tmpdir(), 'headwater-action-'))
  const outputFile = join(workDir, 'output')
  const env = {
    ...process.env,
    GITHUB_OUTPUT: outputFile,
    RUNNER_TEMP: workDir,
    HEADWATER_IMAGE: image,
    CONTAINER: `headwater-${String(process.pid)}`,
    PROFILE: 'rig',
    SETTINGS: '{"caches":{"items":[{"name":"declared"}]}}',
    RECORD_CACHE: 'live-origin',
  }
  t.teardown(async () => {
    spawnSync('docker', ['rm', '--force', env.CONTAINER])
    await rm(workDir, { recursive: true, force: true })
  })
  const run = (script: string) => spawnSync(join(FOLDER, script), { env, encoding: 'utf8' })
  const outputs = async () =>
    new Map(
      (await readFile(outputFile, 'utf8'))
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )

  const started = run('start/start.sh')
  t.equal(started.status, 0, started.stderr)
  const given = await outputs()
  const secrets = ['encoder-key', 'player-key', 'super-user-key'].map(
    (name) => given.get(name) ?? '',
  )
  for (const secret of secrets) t.ok(started.stdout.includes(`::add-mask::${secret}\n`))

  const url = `${given.get('data-plane-url') ?? ''}/cache/live-origin/p.m3u8`
  const headers = { authorization: given.get('encoder-key') ?? '' }
  const put = await fetch(`${url}?ttl_seconds=60`, { method: 'PUT', headers, body: '#EXTM3U\n' })
  t.equal(put.status, 204)

  const collected = run('collect/collect.sh')
  t.equal(collected.status, 0, collected.stderr)
  const directory = (await outputs()).get('directory') ?? ''
  const files = (await readdir(directory)).sort()
  t.same(files, [
    'access.log',
    'channels.json',
    'encoder.tape.gz',
    'findings.json',
    'metrics.txt',
    'origin.log',
    'requests.json',
  ])
  t.match(await readFile(join(directory, 'findings.json'), 'utf8'), 'target-duration-missing')
  t.match(await readFile(join(directory, 'access.log'), 'utf8'), '"key":"p.m3u8"')
  for (const file of files) {
    const bytes = await readFile(join(directory, file))
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
    for (const secret of secrets) t.notOk(text.includes(secret), `${file}: no key`)
  }
  t.not(spawnSync('docker', ['inspect', env.CONTAINER]).status, 0, 'the container is gone')
})
