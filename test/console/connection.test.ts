import t from 'tap'
import { ApiError } from '../../src/console/api/api-error.ts'
import { Connection } from '../../src/console/api/connection.ts'
import { EventStream } from '../../src/console/api/event-stream.ts'
import { LiveEvents } from '../../src/console/app/live-events.ts'
import { Toasts } from '../../src/console/app/toasts.ts'

/** Timers that a test fires by hand. */
function timers() {
  const waiting: { call: () => void; delayMs: number }[] = []
  return {
    delays: () => waiting.map(({ delayMs }) => delayMs),
    later: (call: () => void, delayMs: number) => {
      const timer = { call, delayMs }
      waiting.push(timer)
      return () => {
        const at = waiting.indexOf(timer)
        if (at !== -1) waiting.splice(at, 1)
      }
    },
    fire: () => waiting.shift()?.call(),
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

t.test('a lost server is asked until it answers, and then everybody is told', async (t) => {
  const clock = timers()
  let isUp = false
  const connection = new Connection({
    ask: () => (isUp ? Promise.resolve() : Promise.reject(new Error('down'))),
    nowMs: () => 1000,
    random: () => 0,
    later: clock.later,
  })
  const states: string[] = []
  const end = connection.subscribe(() => states.push(connection.state.kind))
  connection.reached()
  t.same(states, [], 'nothing changed')
  connection.lost()
  connection.lost()
  t.same(connection.state, { kind: 'offline', sinceMs: 1000, retryAtMs: 1500 })
  clock.fire()
  await settled()
  t.match(connection.state, { kind: 'offline', retryAtMs: 2000 }, 'it waits longer')
  isUp = true
  clock.fire()
  await settled()
  t.same(connection.state, { kind: 'online' })
  t.same(states, ['offline', 'offline', 'online'])
  t.same(clock.delays(), [])
  connection.retryNow()
  end()
  connection.lost()
  t.equal(states.length, 3, 'who left hears nothing')
  connection.close()
  t.same(clock.delays(), [])
})

t.test('any answer ends the waiting; a button asks at once', async (t) => {
  const clock = timers()
  let asked = 0
  const connection = new Connection({
    ask: async () => void asked++,
    nowMs: () => 0,
    random: () => 0,
    later: clock.later,
  })
  connection.lost()
  connection.reached()
  t.same([connection.state.kind, clock.delays()], ['online', []])
  connection.lost()
  connection.retryNow()
  await settled()
  t.same([connection.state.kind, asked, clock.delays()], ['online', 1, []])
})

/** An answer whose body the test writes. */
function answer() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) })
  return {
    response: new Response(body),
    say: (text: string) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
  }
}

function stream(open: (signal: AbortSignal) => Promise<Response>) {
  const clock = timers()
  const told: unknown[] = []
  const events = new EventStream({
    open,
    random: () => 0,
    later: clock.later,
    onConnected: () => told.push('connected'),
    onEvent: (type, data) => told.push([type, data]),
    onDisconnected: () => told.push('disconnected'),
  })
  return { events, told, clock }
}

t.test('events are handed on; an ended stream begins again', async (t) => {
  const answers = [answer(), answer()]
  let opened = 0
  const { events, told, clock } = stream(async () => {
    const next = answers[opened++]
    if (next === undefined) throw new Error('no more')
    return next.response
  })
  events.start()
  await settled()
  answers[0]?.say('event: channel\ndata: {"a":1}\n\nevent: x\ndata: {\n\n')
  await settled()
  t.same(told, ['connected', ['channel', { a: 1 }]], 'what is no JSON is left out')
  t.same(clock.delays(), [45_000], 'silence is noticed')
  answers[0]?.end()
  await settled()
  t.equal(told.at(-1), 'disconnected')
  t.same(clock.delays(), [500])
  clock.fire()
  await settled()
  t.equal(told.at(-1), 'connected')
  events.close()
  answers[1]?.say('event: late\ndata: 1\n\n')
  await settled()
  t.same(told.slice(-2), ['connected', 'disconnected'], 'closed is closed')
  t.same(clock.delays(), [])
})

t.test('a stream that is silent too long is begun anew', async (t) => {
  const { events, told, clock } = stream((signal) => {
    const { response } = answer()
    const reader = response.body?.getReader()
    // As fetch does: its body fails once the signal is aborted.
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        signal.addEventListener('abort', () => controller.error(new Error('aborted')))
      },
      cancel: () => reader?.cancel(),
    })
    return Promise.resolve(new Response(body))
  })
  events.start()
  await settled()
  clock.fire()
  await settled()
  t.same(told, ['connected', 'disconnected'])
  t.same(clock.delays(), [500])
  events.close()
})

t.test('a server without events is asked rarely, one that is away soon', async (t) => {
  const refused = stream(() => Promise.reject(new ApiError(404, '', 'no', '')))
  refused.events.start()
  await settled()
  t.same(refused.clock.delays(), [30_000])
  refused.events.close()
  const away = stream(() => Promise.reject(new Error('down')))
  away.events.start()
  await settled()
  away.clock.fire()
  await settled()
  t.same(away.clock.delays(), [1000])
  away.events.close()
})

t.test('live events reach those who want them, until they leave', async (t) => {
  const events = new LiveEvents()
  const heard: unknown[] = []
  const end = events.on('a', (data) => heard.push(data))
  events.on('b', (data) => heard.push(data))
  events.emit('a', 1)
  events.emit('c', 2)
  end()
  events.emit('a', 3)
  t.same(heard, [1])
})

t.test('toasts go by themselves, and the oldest make room', async (t) => {
  const clock = timers()
  const toasts = new Toasts(clock.later)
  let changes = 0
  const end = toasts.subscribe(() => changes++)
  for (const text of ['1', '2', '3', '4', '5']) toasts.show(text, text === '5' ? 'bad' : 'good')
  t.same(
    toasts.shown.map(({ text, tone }) => text + tone),
    ['2good', '3good', '4good', '5bad'],
  )
  while (clock.delays().length > 0) clock.fire()
  t.same(toasts.shown, [])
  t.equal(changes, 10)
  end()
})
