import fastify from 'fastify'
import t from 'tap'
import { Health, registerHealth } from '../../src/http/health.ts'

function open() {
  const health = new Health()
  const app = fastify()
  registerHealth(app, health)
  const ready = async () => {
    const { statusCode, json, headers } = await app.inject('/health/ready')
    return { statusCode, status: json<{ status: string }>().status, headers }
  }
  return { app, health, ready }
}

t.test('ready only after the start, before the stop, and with a store', async (t) => {
  const { app, health, ready } = open()
  t.teardown(() => app.close())
  t.match(await ready(), { statusCode: 503, status: 'starting', headers: { 'retry-after': '1' } })
  health.set(undefined)
  t.match(await ready(), { statusCode: 200, status: 'ready' })
  let isDown = true
  health.watchStore(() => isDown)
  t.match(await ready(), { statusCode: 503, status: 'store-unavailable' })
  health.set('stopping')
  t.match(await ready(), { statusCode: 503, status: 'stopping' })
  health.set(undefined)
  isDown = false
  t.match(await ready(), { statusCode: 200, headers: { 'cache-control': 'no-store' } })
})

t.test('live as long as it answers', async (t) => {
  const { app, health } = open()
  t.teardown(() => app.close())
  health.watchStore(() => true)
  t.equal((await app.inject('/health/live')).statusCode, 200)
})
