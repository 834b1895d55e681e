import fastify from 'fastify'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { consolePolicy, registerConsole } from '../../src/http/console-pages.ts'

async function open(t: Test, isBuilt: boolean) {
  const folder = isBuilt
    ? t.testdir({
        'console.html': '<!doctype html><title>Console</title>',
        assets: {
          'console.page-ABCDEFG2.js': 'js()',
          'console-ABCDEFG2.css': 'css{}',
          'headwater.svg': '<svg/>',
          'notes.bin': 'no',
        },
      })
    : t.testdir({})
  const app = fastify()
  t.teardown(() => app.close())
  await registerConsole(app, {
    text: 'the text\n',
    dataPlaneUrl: () => 'https://origin.example:8443/',
    folder: pathToFileURL(join(folder, '/')),
  })
  return app
}

t.test('a browser gets the console, everybody else the text', async (t) => {
  const app = await open(t, true)
  const page = await app.inject({ url: '/', headers: { accept: 'text/html,*/*;q=0.8' } })
  t.match(page.body, 'Console')
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    vary: 'Accept, Accept-Encoding',
  })
  const policy = String(page.headers['content-security-policy'])
  t.match(policy, "script-src 'self';")
  t.match(policy, "frame-ancestors 'none'")
  t.notMatch(policy, /unsafe|\*/)
  for (const accept of ['*/*', 'application/json', '']) {
    t.equal((await app.inject({ url: '/', headers: { accept } })).body, 'the text\n')
  }
})

t.test('files keep their names for ever when their content is in them', async (t) => {
  const app = await open(t, true)
  const script = await app.inject('/console/console.page-ABCDEFG2.js')
  t.equal(script.body, 'js()')
  t.match(script.headers, {
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': /immutable/,
    'x-content-type-options': 'nosniff',
  })
  const zipped = await app.inject({
    url: '/console/console-ABCDEFG2.css',
    headers: { 'accept-encoding': 'gzip' },
  })
  t.equal(zipped.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(zipped.rawPayload).toString(), 'css{}')
  const icon = await app.inject('/console/headwater.svg')
  t.match(icon.headers, {
    'content-type': 'image/svg+xml',
    'cache-control': 'public, max-age=3600',
  })
  for (const url of ['/console/notes.bin', '/console/', '/console/../console.html']) {
    t.equal((await app.inject(url)).statusCode, 404, url)
  }
})

t.test('a console that is not built says so', async (t) => {
  const app = await open(t, false)
  const page = await app.inject({ url: '/', headers: { accept: 'text/html' } })
  t.equal(page.statusCode, 200)
  t.match(page.body, /the text\n\nThe console is not built/)
  t.equal(page.headers['content-type'], 'text/plain; charset=utf-8')
})

t.test('the policy names the data plane, and nothing that a header could smuggle in', async (t) => {
  const connect = (dataPlaneUrl: string, host: string) =>
    /connect-src ([^;]*);/.exec(consolePolicy(dataPlaneUrl, host))?.[1]
  t.equal(
    connect('http://127.0.0.1:8080', 'box.lan:8081'),
    "'self' http://127.0.0.1:8080 http://box.lan:8080",
  )
  t.equal(
    connect('http://127.0.0.1:8080', '[::1]:8081'),
    "'self' http://127.0.0.1:8080 http://[::1]:8080",
  )
  t.equal(
    connect('https://origin.example/x', 'box.lan'),
    "'self' https://origin.example https://box.lan",
  )
  for (const host of ['', "x; script-src 'unsafe-inline'", 'a b', '*', '*.evil', 'a,b', 'x:1:2;']) {
    t.equal(connect('http://127.0.0.1:8080', host), "'self' http://127.0.0.1:8080", host)
  }
})
