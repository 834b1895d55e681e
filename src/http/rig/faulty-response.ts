/**
 * Makes one answer go wrong on its way out: fields of its head, pace and end of its body. Takes the
 * place of the response's own methods, for this one answer; who answers knows nothing of it.
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../../base/clock.ts'
import type { SeededCorruption } from '../../rig/seeded.ts'
import { linger } from '../closing.ts'

/** Where a body ends before its end. */
export interface BodyCut {
  readonly how: 'reset' | 'truncate' | 'stall'
  readonly afterBytes: number
  /** Of a stall: then it goes on. */
  readonly stallMs: number
}

export interface ResponseFaults {
  /** Ids of the faults, for `X-Headwater-Fault`. */
  readonly ids: string
  readonly set: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly remove: ReadonlySet<string>
  readonly isWithoutCors: boolean
  /** Each changes what the one before it left. */
  readonly corruptions: readonly SeededCorruption[]
  readonly bytesPerSecond: number | undefined
  readonly cut: BodyCut | undefined
  /** The answer is whole, and sent so much later. */
  readonly answerDelayMs: number
  /** It is never sent; the connection ends after this. */
  readonly silentMs: number | undefined
}

/** From here on; before anything was answered. */
export function makeFaulty(response: ServerResponse, faults: ResponseFaults, clock: Clock): void {
  if (faults.silentMs !== undefined) {
    silence(response, faults.silentMs, clock)
    return
  }
  const writeHead = response.writeHead.bind(response)
  const valve = new BodyValve(response, faults, clock)
  Object.assign(response, {
    // The item routes give their fields as a flat list; node itself gives none.
    writeHead: (statusCode: number, fields: readonly string[] = []) => {
      valve.startAt(fields)
      return writeHead(statusCode, changedFields(fields, faults))
    },
    write: (chunk: Uint8Array) => valve.add(chunk),
    end: (chunk?: Uint8Array) => {
      valve.end(chunk)
      return response
    },
  })
}

/** Reset, where the kernel lets us; closed otherwise. */
export function resetSocket(socket: Socket): void {
  // Under TLS the socket has no handle of its own to reset.
  if (socket instanceof TLSSocket || socket.destroyed) socket.destroy()
  else socket.resetAndDestroy()
}

/** Calls back after a time, or never when the answer's connection ends before. */
export function afterDelay(
  response: ServerResponse,
  clock: Clock,
  delayMs: number,
  go: () => void,
): void {
  const timer = clock.setTimer(() => {
    response.off('close', leave)
    go()
  }, delayMs)
  const leave = () => clock.clearTimer(timer)
  response.once('close', leave)
}

function silence(response: ServerResponse, silentMs: number, clock: Clock): void {
  Object.assign(response, { writeHead: () => response, write: () => true, end: () => response })
  afterDelay(response, clock, silentMs, () => response.destroy())
}

function changedFields(fields: readonly string[], faults: ResponseFaults): string[] {
  const set = new Map(
    Object.entries(faults.set).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const changed: string[] = []
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? ''
    const value = fields[index + 1] ?? ''
    const lower = name.toLowerCase()
    if (faults.remove.has(lower) || set.has(lower)) continue
    if (faults.isWithoutCors && lower.startsWith('access-control-')) continue
    const isExposure = lower === 'access-control-expose-headers'
    changed.push(name, isExposure ? `${value}, X-Headwater-Fault` : value)
  }
  for (const [name, value] of Object.entries(faults.set)) changed.push(name, value)
  changed.push('X-Headwater-Fault', faults.ids)
  return changed
}

const TICK_MS = 100
/** A reset overtakes what is on its way: the bytes before it get so long to arrive. */
const ARRIVE_MS = 50

/** Lets a body out at its pace, changed, and up to where it is cut. */
class BodyValve {
  readonly #response: ServerResponse
  readonly #clock: Clock
  readonly #faults: ResponseFaults
  readonly #write: (chunk: Uint8Array) => boolean
  readonly #finish: () => void
  readonly #queue: Uint8Array[] = []
  #cut: BodyCut | undefined
  #sentBytes = 0
  /** Of the body's first byte in the object. */
  #offsetBytes = 0
  #isEnded = false
  #isOver = false
  #timer: Timer | undefined

  constructor(response: ServerResponse, faults: ResponseFaults, clock: Clock) {
    this.#response = response
    this.#clock = clock
    this.#faults = faults
    this.#cut = faults.cut
    this.#write = response.write.bind(response)
    const end = response.end.bind(response)
    this.#finish = () => {
      if (faults.answerDelayMs === 0) end()
      else afterDelay(response, clock, faults.answerDelayMs, () => end())
    }
    response.once('close', () => {
      this.#isOver = true
      if (this.#timer !== undefined) clock.clearTimer(this.#timer)
    })
  }

  /** The head of the answer, which says where a range begins. */
  startAt(fields: readonly string[]): void {
    const at = fields.findIndex((name, index) => index % 2 === 0 && name === 'Content-Range')
    const first = at === -1 ? null : /^bytes (\d+)-/.exec(fields[at + 1] ?? '')
    this.#offsetBytes = Number(first?.[1] ?? 0)
  }

  add(chunk: Uint8Array): boolean {
    if (!this.#isOver && chunk.length > 0) this.#queue.push(chunk)
    this.#pump()
    return true
  }

  end(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined && chunk.length > 0) this.#queue.push(chunk)
    this.#isEnded = true
    this.#pump()
  }

  #pump(): void {
    if (this.#isOver || this.#timer !== undefined) return
    const { bytesPerSecond } = this.#faults
    const tickMs = bytesPerSecond === undefined ? 0 : Math.max(TICK_MS, 1000 / bytesPerSecond)
    let budgetBytes =
      bytesPerSecond === undefined ? Infinity : Math.round((bytesPerSecond * tickMs) / 1000)
    while (this.#queue.length > 0) {
      const leftBytes = this.#cut === undefined ? Infinity : this.#cut.afterBytes - this.#sentBytes
      if (leftBytes <= 0) return this.#cutOff()
      if (budgetBytes <= 0) return this.#pause(tickMs)
      const sizeBytes = this.#send(Math.min(leftBytes, budgetBytes))
      budgetBytes -= sizeBytes
    }
    if (!this.#isEnded) return
    this.#isOver = true
    this.#finish()
  }

  /** @returns How much of the first piece went, at most `bytesMax`. */
  #send(bytesMax: number): number {
    const chunk = this.#queue.shift() ?? new Uint8Array()
    const piece = chunk.length > bytesMax ? chunk.subarray(0, bytesMax) : chunk
    if (piece.length < chunk.length) this.#queue.unshift(chunk.subarray(piece.length))
    const offsetBytes = this.#offsetBytes + this.#sentBytes
    const { corruptions } = this.#faults
    this.#write(corruptions.reduce((bytes, each) => each.apply(bytes, offsetBytes), piece))
    this.#sentBytes += piece.length
    return piece.length
  }

  #pause(ms: number): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined
      this.#pump()
    }, ms)
  }

  #cutOff(): void {
    const cut = this.#cut
    const { socket } = this.#response
    if (cut === undefined || socket === null) return
    this.#response.flushHeaders()
    if (cut.how === 'stall') {
      this.#cut = undefined
      this.#pause(cut.stallMs)
      return
    }
    this.#isOver = true
    this.#queue.length = 0
    // Behind what was written: its turn comes when that has left.
    this.#response.uncork()
    socket.write('', () => {
      if (cut.how === 'reset') this.#clock.setTimer(() => resetSocket(socket), ARRIVE_MS)
      else linger(socket)
    })
  }
}
