/**
 * Turns wire logs of real encoders into `test/fixtures/encoders/*.json`, the form that
 * `test/support/replay.ts` plays. Needed only when a new log was recorded; tests read the JSON.
 *
 *   node scripts/make-fixtures.mjs DIRECTORY_OF_LOGS
 *
 * A log has lines `seconds C<connection> R<request> ...`: `OPEN`, the head (`> `), `END` with the
 * body's bytes, framing and timing, the text of a playlist (`| `), the answers (`->`) and `FIN`.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = process.argv[2]
if (source === undefined) {
  console.error('usage: node scripts/make-fixtures.mjs DIRECTORY_OF_LOGS')
  process.exit(2)
}
const target = fileURLToPath(new URL('../test/fixtures/encoders', import.meta.url))

/** What each log shows. `requestsMax` cuts repeats that show nothing new. */
const families = {
  ts_basic: { about: 'HLS with TS segments, a new connection for every object' },
  ts_persist: { about: 'HLS with TS segments, one connection, pipelined' },
  ts_nomethod: { about: 'HLS without -method' },
  ts_post: { about: 'HLS by POST' },
  ts_delete: { about: 'HLS that deletes old segments, with a chunked empty body' },
  ts_singlefile: { about: 'HLS single_file: an empty PUT ends after the POST with the data' },
  fmp4_basic: {
    about: 'HLS with fMP4 segments: init section announced a segment before its bytes',
  },
  fmp4_persist: { about: 'HLS with fMP4 segments, persistent connections' },
  v5_digest: { about: 'user:password in the URL against a Digest challenge' },
  v5_vtt: { about: 'WebVTT renditions: the subtitle playlist is a POST without -headers' },
  v9_vtt: { about: 'WebVTT renditions with -headers on every request' },
  v7_append: { about: 'append_list: reads its old playlist with a Range first' },
  v7_lad_sub: { about: 'ladder with a folder for each variant' },
  v7_obs: { about: 'OBS: credential and file name in the query, persistent', obs: true },
  v7_q_default: { about: 'token in the playlist URL only: segments drop the query' },
  v7_q_jwt: { about: 'token with dots: segment bytes aimed at the key of the playlist' },
  v7_userpass_401atend: { about: 'user:password in the URL, Expect first; goes on after 100' },
  v7_userpass_expect: { about: 'user:password in the URL, Basic after 401 to Expect' },
  v9_enc_hdr: { about: 'hls_enc: the AES key is uploaded beside the segments' },
  e_v7_p0_throttle: { about: 'a slow segment: its playlist lands first' },
  e_v7_p1_connclose: { about: 'persistent against a server that closes after every answer' },
  final_v5_A_ts_header: { about: 'TS, key in -headers, TTL on every request' },
  final_v5_D_dash_httpopts: { about: 'DASH, key in -http_opts' },
  final_v5_E_lldash_httpopts: { about: 'low-latency DASH: one chunk for each fragment' },
  final_v7_B_ladder_header: { about: 'ladder of three, key in -headers' },
  final_v7_B_ladder_query: { about: 'ladder of three, key in every query' },
  final_v9_C_fmp4_ladder_header: { about: 'fMP4 ladder of three, key in -headers' },
  final_v9_F_keylast: { about: 'no options at all: key= as the last parameter' },
  g122_soup: {
    about: 'souphttpclientsink: one object in pieces by Content-Range',
    requestsMax: 12,
  },
  g122_hlssink2_app: { about: 'hlssink2 signals, uploaded by the application' },
  g122_splitmux2_q: { about: 'curlhttpsink: POST, Expect, ends one segment late' },
  shaka_ts: { about: 'TS, sequential' },
  shaka_ts_q: { about: 'TS, query on segments, media playlists without it' },
  shaka_fmp4: { about: 'fMP4 with HLS and MPD, deletes the same key twice', requestsMax: 60 },
  shaka_ll: { about: 'low-latency DASH' },
  kill9_ldash: { about: 'low-latency DASH, killed in mid-upload' },
  c_T_small: { about: 'curl -T: Content-Length and Expect' },
  c_T_stdin: { about: 'curl -T -: chunked and Expect' },
  c_digest: { about: 'curl --digest: probes with an empty PUT' },
  c_user_any: { about: 'curl --anyauth: Basic after 401 to Expect' },
}

const clients = [
  [/Lavf\/59\./, 'ffmpeg 5.1.9'],
  [/Lavf\/61\./, 'ffmpeg 7.1.5'],
  [/Lavf\/63\./, 'ffmpeg 9.0.2'],
  [/libobs/, 'OBS (ffmpeg 7.1.5 with its options)'],
  [/ShakaPackager/, 'Shaka Packager 3.4.2'],
  [/souphttpclientsink/, 'GStreamer 1.22 souphttpclientsink'],
  [/curl\/7/, 'curl 7.88.1'],
  [/identity/, 'GStreamer 1.22 hlssink2 with Python http.client'],
  [/mpegts/, 'GStreamer 1.22 curlhttpsink'],
]

/** Credentials, the host and OBS's foreign path become placeholders or our own form. */
function neutral(line, family) {
  let text = line
    .replace(/127\.0\.0\.1:\d+/g, '{{host}}')
    .replace(/^(Authorization: )Basic .*/, '$1{{basic}}')
    .replace(/^(Authorization: Digest .*response=)"[^"]*"/, '$1"{{digest}}"')
    .replace(/^(Authorization: )(?!Digest|\{\{).*/, '$1{{authorization}}')
    .replace(/token=eyJhbGciOi\.eyJzdWIi(?!\.)/g, 'token={{tokenCut}}')
    .replace(/token=(?!\{\{)[^&\s]*/g, 'token={{token}}')
  if (family.obs) {
    text = text
      .replace('/http_upload_hls?', '/cache/live-origin?')
      .replace('http_upload_hls?', 'live-origin?')
      .replace(/cid=[^&]*&copy=0&file=/, 'token={{token}}&ttl_seconds=3600&copy=0&key=')
  }
  return text
}

function parse(text) {
  const connections = new Map()
  const requests = new Map()
  let request
  for (const line of text.split('\n')) {
    const head = /^ +> (.*)$/.exec(line)
    if (head) {
      request?.head.push(head[1])
      continue
    }
    const body = /^ +\| ?(.*)$/.exec(line)
    if (body) {
      request?.lines.push(body[1])
      continue
    }
    const event = /^([\d.]+) C(\d+) (.*)$/.exec(line)
    if (!event) {
      if (line.startsWith('...')) request = undefined
      continue
    }
    const atMs = Math.round(Number(event[1]) * 1000)
    const id = Number(event[2])
    const what = event[3]
    if (what.startsWith('OPEN')) connections.set(id, { id, openAtMs: atMs })
    const connection = connections.get(id)
    if (connection === undefined) {
      request = undefined
      continue
    }
    const number = /^R(\d+)/.exec(what)?.[1]
    if (/^R\d+ \(#/.test(what)) {
      request = { connection: id, atMs, head: [], lines: [] }
      requests.set(number, request)
    } else if (/^R\d+ +END/.test(what)) {
      request = requests.get(number)
      if (request) finish(request, atMs, what)
    } else if (/^R\d+ +-> 100/.test(what)) {
      request = requests.get(number)
    } else if (what.startsWith('FIN')) {
      connection.finAtMs = atMs
      const torn = /IN MIDDLE OF R(\d+) \S+ \((\d+)B,/.exec(what)
      if (torn && requests.has(torn[1])) abort(requests.get(torn[1]), atMs, Number(torn[2]))
    } else if (what.startsWith('ERR') && connection.finAtMs === undefined) {
      connection.finAtMs = atMs
      // Refused before its body and given up, as curl does after a 401 to its Expect.
      for (const open of requests.values()) {
        if (open.connection === id && open.body === undefined) abort(open, atMs, 0)
      }
    }
  }
  return { connections: [...connections.values()], requests: [...requests.values()] }
}

function abort(request, atMs, sentBytes) {
  const length = request.head.map((line) => /^Content-Length: (\d+)/.exec(line)?.[1]).find(Boolean)
  request.body = {
    sizeBytes: length === undefined ? sentBytes : Number(length),
    framing: length === undefined ? 'chunked' : 'content-length',
    chunkCount: Math.max(1, Math.ceil(sentBytes / 11_000)),
    firstAtMs: request.atMs + 20,
    lastAtMs: atMs - 10,
    endAtMs: atMs,
    sentBytes,
  }
}

function finish(request, atMs, what) {
  const value = (name) => new RegExp(`${name}=(\\S+)`).exec(what)?.[1]
  const seconds = (name) => {
    const text = value(name)
    return text === undefined || text === '-' ? 0 : Math.round(Number(text) * 1000)
  }
  const [framing] = value('framing').split(':')
  const firstAtMs = request.atMs + seconds('hdr->first')
  request.body = {
    sizeBytes: Number(value('bytes')),
    framing,
    chunkCount: Number(value('chunks')),
    firstAtMs,
    lastAtMs: firstAtMs + seconds('first->last'),
    endAtMs: atMs,
  }
}

/** Drops what a case does not need: cut-off requests, their connections, times nobody plays. */
function compact(name, family, log) {
  const requests = log.requests
    .filter((request) => request.body !== undefined && request.head.length > 1)
    .slice(0, family.requestsMax)
  const used = new Set(requests.map((request) => request.connection))
  const startMs = Math.min(...log.connections.map((connection) => connection.openAtMs))
  const headerSets = []
  const headersIndex = (headers) => {
    const key = JSON.stringify(headers)
    let index = headerSets.findIndex((known) => JSON.stringify(known) === key)
    if (index < 0) index = headerSets.push(headers) - 1
    return index
  }
  const client =
    clients.find(([pattern]) => pattern.test(requests[0].head.join('\n')))?.[1] ?? 'ffmpeg'
  return {
    name,
    client,
    about: family.about,
    connections: log.connections
      .filter((connection) => used.has(connection.id))
      .map((connection) => ({
        id: connection.id,
        openAtMs: connection.openAtMs - startMs,
        ...(connection.finAtMs === undefined ? {} : { finAtMs: connection.finAtMs - startMs }),
      })),
    requests: requests.map((request) => {
      const [line, ...headers] = request.head.map((text) => neutral(text, family))
      const [method, path] = line.split(' ')
      return {
        connection: request.connection,
        atMs: request.atMs - startMs,
        method,
        target: path,
        // A piece's length is its body's: the replayer writes it.
        headers: headersIndex(headers.map((h) => h.replace(/^(Content-Length: ).*/, '$1{{size}}'))),
        body: bodyOf(name, family, request, startMs),
      }
    }),
    headerSets,
  }
}

function bodyOf(name, family, request, startMs) {
  const { body, lines } = request
  if (body.framing === 'none') return { framing: 'none' }
  const isText = /^(#EXTM3U|<\?xml)/.test(lines[0] ?? '')
  let text = isText ? lines.join('\n') : undefined
  if (text !== undefined && Buffer.byteLength(text) !== body.sizeBytes) text += '\n'
  if (text !== undefined && Buffer.byteLength(text) !== body.sizeBytes) {
    throw new Error(
      `${name}: text of ${request.head[0]} is ${Buffer.byteLength(text)} bytes, log says ${body.sizeBytes}`,
    )
  }
  const spreads = body.lastAtMs - body.firstAtMs > 50 || body.endAtMs - body.firstAtMs > 50
  return {
    framing: body.framing,
    sizeBytes: body.sizeBytes,
    ...(body.chunkCount > 1 ? { chunkCount: body.chunkCount } : {}),
    ...(spreads || body.firstAtMs - request.atMs > 50
      ? { firstAtMs: body.firstAtMs - startMs, lastAtMs: body.lastAtMs - startMs }
      : {}),
    endAtMs: body.endAtMs - startMs,
    ...(body.sentBytes === undefined ? {} : { sentBytes: body.sentBytes }),
    ...(text === undefined
      ? {}
      : {
          text: text
            .split('\n')
            .map((line) => neutral(line, family))
            .join('\n'),
        }),
  }
}

/** One line for each connection, request and header set: small, and a diff can be read. */
function print(fixture) {
  const list = (items) =>
    `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`
  return `{
  "name": ${JSON.stringify(fixture.name)},
  "client": ${JSON.stringify(fixture.client)},
  "about": ${JSON.stringify(fixture.about)},
  "headerSets": ${list(fixture.headerSets)},
  "connections": ${list(fixture.connections)},
  "requests": ${list(fixture.requests)}
}
`
}

mkdirSync(target, { recursive: true })
for (const file of readdirSync(source).filter((name) => name.endsWith('.log'))) {
  const name = file.slice(0, -4)
  const family = families[name]
  if (family === undefined) {
    console.log(`${name}: not listed in this script, skipped`)
    continue
  }
  const fixture = compact(name, family, parse(readFileSync(join(source, file), 'utf8')))
  const json = print(fixture)
  writeFileSync(join(target, `${name.replaceAll('_', '-')}.json`), json)
  console.log(
    `${name}: ${fixture.requests.length} requests, ${json.length} bytes, ${fixture.client}`,
  )
}
