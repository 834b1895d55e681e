/**
 * Plays a recorded encoder against a server over raw sockets: same connections, same order, same
 * heads and pieces, time compressed. What overlapped in the record overlaps here; what followed an
 * answer waits for it. It reports; judging is the test's.
 */

import { fixtureBytes } from './encoder-fixture.ts'
import type { EncoderFixture, FixtureRequest } from './encoder-fixture.ts'
import { RawClient } from './raw-client.ts'
import type { ConnectionEnd, RawResponse } from './raw-client.ts'

export interface ReplayOptions {
  /** `http://host:port` */
  readonly originUrl: string
  /** Takes the place of the recorded credential. */
  readonly credential: string
  /** Adds `Authorization: <credential>` to every request, as `-headers` does. */
  readonly addAuthorization?: boolean
}

export interface ReplayAnswer {
  readonly request: FixtureRequest
  /** Target and header lines as sent. */
  readonly target: string
  readonly headers: readonly string[]
  /** The whole body that the client had to send. */
  readonly body: Buffer
  /** Whether the client sent all of it. */
  readonly complete: boolean
  /** Interim answers, e.g. `[100]`. */
  readonly interim: readonly number[]
  /** `undefined`: the connection ended without an answer. */
  readonly response: RawResponse | undefined
}

export interface ReplayedConnection {
  readonly id: number
  /** How the server had left just before the client did. */
  readonly endBeforeClient: ConnectionEnd
  /** Whether the client ended it in the middle of a request, or after a refused `Expect`. */
  readonly abandoned: boolean
}

export interface Replay {
  readonly answers: readonly ReplayAnswer[]
  readonly connections: readonly ReplayedConnection[]
}

/** Further apart than this in the record: the client had its answers by then. */
const TOGETHER_MS = 30

interface Step {
  readonly atMs: number
  readonly run: (lanes: Map<number, Lane>) => Promise<void>
}

/** Plays the whole record; resolves when every connection has ended. */
export async function replayEncoder(
  fixture: EncoderFixture,
  options: ReplayOptions,
): Promise<Replay> {
  const lanes = new Map<number, Lane>()
  const plays = fixture.requests.map((request) => new RequestPlay(fixture, request, options))
  let previousAtMs = 0
  for (const step of stepsOf(fixture, plays, options.originUrl)) {
    if (step.atMs - previousAtMs > TOGETHER_MS) {
      await Promise.all([...lanes.values()].map((lane) => lane.answered()))
    }
    previousAtMs = step.atMs
    await step.run(lanes)
  }
  for (const lane of lanes.values()) await lane.finish()
  return {
    answers: plays.map((play) => play.answer()),
    connections: [...lanes].map(([id, lane]) => ({ id, ...lane.report() })),
  }
}

function stepsOf(
  fixture: EncoderFixture,
  plays: readonly RequestPlay[],
  originUrl: string,
): readonly Step[] {
  const steps: Step[] = []
  for (const { id, openAtMs } of fixture.connections) {
    const run = async (lanes: Map<number, Lane>) => {
      lanes.set(id, new Lane(await RawClient.open(originUrl)))
    }
    steps.push({ atMs: openAtMs, run })
  }
  for (const play of plays) steps.push(...stepsOfRequest(play))
  for (const { id, finAtMs } of fixture.connections) {
    if (finAtMs === undefined) continue
    steps.push({ atMs: finAtMs, run: async (lanes) => lanes.get(id)?.finish() })
  }
  // Stable: what came first among equals above stays first.
  return steps.sort((a, b) => a.atMs - b.atMs)
}

function stepsOfRequest(play: RequestPlay): readonly Step[] {
  const { atMs, body, connection } = play.request
  const laneOf = (lanes: Map<number, Lane>) => {
    const lane = lanes.get(connection)
    if (lane === undefined) throw new Error(`connection ${String(connection)} is not open`)
    return lane
  }
  const steps: Step[] = [{ atMs, run: (lanes) => laneOf(lanes).sendHead(play) }]
  const endAtMs = body.endAtMs ?? atMs
  const firstAtMs = body.firstAtMs ?? endAtMs
  const spanMs = (body.lastAtMs ?? firstAtMs) - firstAtMs
  const pieces = play.pieces()
  pieces.forEach((piece, index) => {
    const share = pieces.length > 1 ? index / (pieces.length - 1) : 0
    const pieceAtMs = Math.min(endAtMs, firstAtMs + Math.floor(spanMs * share))
    steps.push({ atMs: pieceAtMs, run: (lanes) => laneOf(lanes).sendPiece(play, piece) })
  })
  steps.push({ atMs: endAtMs, run: (lanes) => laneOf(lanes).sendEnd(play) })
  return steps
}

/** One request: what to send, and what came of it. */
class RequestPlay {
  readonly request: FixtureRequest
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Buffer
  readonly interim: number[] = []
  response: RawResponse | undefined
  complete = false
  /** A final answer came before the body was due: the client keeps it. */
  refused = false

  constructor(fixture: EncoderFixture, request: FixtureRequest, options: ReplayOptions) {
    this.request = request
    const fill = (text: string) => fillIn(text, options)
    const { text, sizeBytes = 0 } = request.body
    this.body =
      text === undefined ? fixtureBytes(request.target, sizeBytes) : Buffer.from(fill(text), 'utf8')
    this.target = fill(request.target)
    const size = String(this.body.length)
    this.headers = [
      ...(fixture.headerSets[request.headers] ?? []).map((line) =>
        fill(line.replace('{{size}}', size)),
      ),
      ...(options.addAuthorization ? [`Authorization: ${options.credential}`] : []),
    ]
  }

  get expects(): boolean {
    return this.headers.some((line) => /^expect: *100-continue/i.test(line))
  }

  /** Bytes of the body as the client cut them; fewer than the body when the upload broke off. */
  pieces(): readonly Buffer[] {
    const { framing, sentBytes, chunkCount = 1 } = this.request.body
    if (framing === 'none') return []
    const bytes = this.body.subarray(0, sentBytes ?? this.body.length)
    // ffmpeg's buffer is 32 KiB; other clients' pieces are about equal.
    const pieceBytes =
      Math.ceil(bytes.length / 32_768) === chunkCount
        ? 32_768
        : Math.max(1, Math.ceil(bytes.length / chunkCount))
    const pieces: Buffer[] = []
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      pieces.push(bytes.subarray(offset, offset + pieceBytes))
    }
    return pieces
  }

  answer(): ReplayAnswer {
    const { request, target, headers, body, complete, interim, response } = this
    return { request, target, headers, body, complete, interim, response }
  }
}

/** One connection; answers come in the order of its requests. */
class Lane {
  readonly #client: RawClient
  #tail: Promise<void> = Promise.resolve()
  #torn = false
  #refused = false
  #endBeforeClient: ConnectionEnd | undefined

  constructor(client: RawClient) {
    this.#client = client
  }

  /** Resolves when every request that is whole has its answer. */
  answered(): Promise<void> {
    return this.#tail
  }

  async sendHead(play: RequestPlay): Promise<void> {
    const { method } = play.request
    await this.#client.send(
      `${method} ${play.target} HTTP/1.1\r\n${play.headers.join('\r\n')}\r\n\r\n`,
    )
    if (!play.expects) return
    await this.#tail
    const first = await this.#client.tryReadResponse(method)
    if (first?.status === 100) {
      play.interim.push(100)
      return
    }
    play.response = first
    play.refused = true
    this.#refused = true
  }

  async sendPiece(play: RequestPlay, piece: Buffer): Promise<void> {
    if (play.refused) return
    if (play.request.body.framing === 'chunked') await this.#client.sendChunk(piece)
    else await this.#client.send(piece)
  }

  async sendEnd(play: RequestPlay): Promise<void> {
    if (play.refused) return
    if (play.request.body.sentBytes !== undefined) {
      this.#torn = true
      return
    }
    if (play.request.body.framing === 'chunked') await this.#client.send('0\r\n\r\n')
    play.complete = true
    this.#tail = this.#tail.then(async () => {
      play.response = await this.#client.tryReadResponse(play.request.method)
    })
  }

  async finish(): Promise<void> {
    if (this.#endBeforeClient !== undefined) return
    await this.#tail
    this.#endBeforeClient = this.#client.end
    if (this.#torn) {
      this.#client.destroy()
      return
    }
    this.#client.endWriting()
    await this.#client.waitForEnd(2_000)
    if (this.#client.end === 'reset') this.#endBeforeClient = 'reset'
    this.#client.destroy()
  }

  report(): Omit<ReplayedConnection, 'id'> {
    return {
      endBeforeClient: this.#endBeforeClient ?? 'open',
      abandoned: this.#torn || this.#refused,
    }
  }
}

function fillIn(text: string, { originUrl, credential }: ReplayOptions): string {
  const basic = Buffer.from(`momento:${credential}`).toString('base64')
  return text
    .replaceAll('{{host}}', new URL(originUrl).host)
    .replaceAll('{{tokenCut}}', credential.slice(0, Math.max(0, credential.lastIndexOf('.'))))
    .replaceAll('{{token}}', credential)
    .replaceAll('{{authorization}}', credential)
    .replaceAll('{{basic}}', `Basic ${basic}`)
    .replaceAll('{{digest}}', '0'.repeat(32))
}
