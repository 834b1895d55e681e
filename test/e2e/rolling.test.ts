/** The order of a rolling update, as docker/kubernetes sets it up, with real processes. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { closeIdleConnections, http } from '../support/http.ts'
import { head, RawClient } from '../support/raw-client.ts'
import { freePort } from './support/cdn-process.ts'
import { startTwin } from './support/twin-rig.ts'
import type { TwinOrigin } from './support/twin-rig.ts'

t.teardown(() => closeIdleConnections())

const isReady = async ({ url }: TwinOrigin) => {
  const answer = await http(`${url}/health/ready`).catch(() => undefined)
  return answer?.status === 200
}

t.test('the new one is started, the old one stopped: no upload is refused or lost', async (t) => {
  const dir = t.testdir({ old: {}, new: {} })
  const delay = {
    HEADWATER_HTTP_SHUTDOWN_DELAY_SECONDS: '1',
    HEADWATER_HTTP_SHUTDOWN_SECONDS: '10',
  }
  const old = await startTwin(t, `${dir}/old`, await freePort(), delay)
  const authorization = old.encoderKey
  // What a Service does: to who is ready, as it was known a moment ago.
  let target = old
  const refused: string[] = []
  let stored = { old: 0, new: 0 }
  let isDone = false
  const pushing = (async () => {
    for (let number = 0; !isDone; number++) {
      const { url } = target
      const path = `${url}/cache/live-origin/n${String(number)}.ts?ttl_seconds=60`
      const options = { method: 'PUT', body: 'bytes', headers: { authorization } }
      const status = await http(path, options).then(
        (answer) => answer.status,
        (error: unknown) => String(error),
      )
      if (status !== 204) refused.push(`${path}: ${String(status)}`)
      else if (url === old.url) stored = { ...stored, old: stored.old + 1 }
      else stored = { ...stored, new: stored.new + 1 }
      await sleep(10)
    }
  })()

  const next = await startTwin(t, `${dir}/new`, await freePort(), delay)
  t.ok(await isReady(next), 'ready before the old one is told')
  const slow = await RawClient.open(old.url)
  const fields = [`Authorization: ${authorization}`, 'Content-Length: 5']
  await slow.send(head('PUT', '/cache/live-origin/slow.ts', fields), 'by')
  const ended = old.served.end('SIGTERM')
  while (await isReady(old)) await sleep(20)
  const storedBefore = stored.old
  // The endpoints are told later than the probe knows: the old one serves on meanwhile.
  for (let waited = 0; waited < 300; waited += 20) await sleep(20)
  target = next
  t.ok(stored.old > storedBefore, 'uploads to the old one are taken while it is not ready')
  // Longer than the delay: the listener has closed, the upload in progress goes on.
  for (let waited = 0; waited < 1200; waited += 20) await sleep(20)
  await slow.send('tes')
  t.equal((await slow.readResponse('PUT')).status, 204)
  t.equal(await ended, 0)
  while (stored.new < 10) await sleep(20)
  isDone = true
  await pushing
  t.strictSame(refused, [])
  t.comment(`${String(stored.old)} uploads to the old one, ${String(stored.new)} to the new one`)
})
