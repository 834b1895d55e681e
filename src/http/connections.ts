/**
 * The open connections of a plane: how many there may be, how many requests each may have open, and
 * how they end when the server stops. Knows sockets and counts; nothing of routes.
 */

import type { Socket } from 'node:net'
import type { ItemResponse } from '../wire/item-exchange.ts'
import { linger } from './closing.ts'

/** Plain counters, read by metrics. */
export interface ConnectionStats {
  open: number
  openedCount: number
  /** Closed at once, over `connectionsMax`. */
  refusedCount: number
  /** Requests that could not be framed, TLS handshakes that failed. */
  malformedCount: number
  /** Answered by a front, without node's HTTP server. */
  frontRequestCount: number
  /** Connections that a front gave to node's HTTP server. */
  handedOverCount: number
}

/**
 * Unanswered requests of one connection before no more of it is read. Node reads 64 KiB at a time
 * and parses all of it, so that what was read before the pause may hold some 2,000 more.
 */
export const UNANSWERED_MAX = 100

/** How often a stopping server looks for connections that have become idle. */
const SWEEP_MS = 20
/** What a connection gets between FIN and its end: a round trip, for a request that was on its way. */
const FAREWELL_MS = 250

/** A connection on which HTTP is spoken. */
interface Watched {
  unansweredCount: number
  isPaused: boolean
  /** Half-closed: nothing that it sends is answered. */
  isLeaving: boolean
  /** Bytes read at the last sweep; -1 before the first. */
  sweptBytesRead: number
}

export class Connections {
  readonly stats: ConnectionStats = {
    ...{ open: 0, openedCount: 0, refusedCount: 0, malformedCount: 0 },
    ...{ frontRequestCount: 0, handedOverCount: 0 },
  }
  readonly #connectionsMax: number
  /** Everything that was accepted: with TLS, the socket below it. */
  readonly #accepted = new Set<Socket>()
  readonly #watched = new Map<Socket, Watched>()

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax
  }

  /** Counts a connection that was just accepted. False: there are too many, it was closed. */
  admit(socket: Socket): boolean {
    if (this.#accepted.size >= this.#connectionsMax) {
      this.stats.refusedCount++
      socket.destroy()
      return false
    }
    this.stats.openedCount++
    this.stats.open++
    this.#accepted.add(socket)
    socket.once('close', () => {
      this.stats.open--
      this.#accepted.delete(socket)
    })
    return true
  }

  /** From now on requests come on this socket, itself accepted or the TLS on top of one. */
  watch(socket: Socket): void {
    const watched: Watched = {
      unansweredCount: 0,
      isPaused: false,
      isLeaving: false,
      sweptBytesRead: -1,
    }
    this.#watched.set(socket, watched)
    socket.once('close', () => this.#watched.delete(socket))
    // Node resumes a socket for every request it is done with; until enough are answered, it waits.
    socket.on('resume', () => {
      if (watched.isPaused) socket.pause()
    })
  }

  /** It is somebody else's: no requests are told of it, and stopping does not look at it. */
  unwatch(socket: Socket): void {
    this.#watched.delete(socket)
  }

  /** A request begins; it ends with its answer. False: its connection is being closed, ignore it. */
  begin(socket: Socket, response: ItemResponse): boolean {
    const watched = this.#watched.get(socket)
    if (watched === undefined) return true
    if (watched.isLeaving) return false
    watched.unansweredCount++
    if (watched.unansweredCount >= UNANSWERED_MAX && !watched.isPaused) {
      watched.isPaused = true
      socket.pause()
    }
    response.once('close', () => {
      watched.unansweredCount--
      if (watched.isPaused && watched.unansweredCount <= UNANSWERED_MAX / 2) {
        watched.isPaused = false
        socket.resume()
      }
    })
    return true
  }

  /**
   * Half-closes a connection; what it still sends is read and dropped. A RST, which unread bytes
   * would cause, ends a persistent ffmpeg; after a FIN it sends the object again.
   */
  leave(socket: Socket, lingerMs?: number): void {
    const watched = this.#watched.get(socket)
    if (watched?.isLeaving === true) return
    if (watched !== undefined) {
      watched.isLeaving = true
      watched.isPaused = false
    }
    linger(socket, lingerMs)
  }

  /** Lets requests in progress end, closing what is idle; then closes the rest. */
  async drain(drainMs: number): Promise<void> {
    await this.#untilNone(drainMs, () => this.#leaveIdle())
    for (const socket of this.#watched.keys()) this.leave(socket, FAREWELL_MS)
    await this.#untilNone(FAREWELL_MS, () => undefined)
    for (const socket of this.#accepted) socket.destroy()
  }

  /** Idle: nothing to answer, and nothing arrived since the last look. */
  #leaveIdle(): void {
    for (const [socket, watched] of this.#watched) {
      if (watched.unansweredCount > 0) continue
      if (watched.sweptBytesRead === socket.bytesRead) this.leave(socket, FAREWELL_MS)
      watched.sweptBytesRead = socket.bytesRead
    }
  }

  #untilNone(timeMs: number, onSweep: () => void): Promise<void> {
    if (this.#accepted.size === 0 || timeMs <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        clearInterval(sweep)
        clearTimeout(deadline)
        resolve()
      }
      const sweep = setInterval(() => {
        onSweep()
        if (this.#accepted.size === 0) finish()
      }, SWEEP_MS)
      const deadline = setTimeout(finish, timeMs)
      onSweep()
    })
  }
}
