/**
 * The answers of one connection, in order: statuses and where each ends. Bodies are passed over. Only
 * what a client of pipelined uploads needs of HTTP/1.1 (RFC 9112).
 */

export interface Answer {
  readonly status: number
  /** The connection ends behind it. */
  readonly isLast: boolean
}

const HEAD_BYTES_MAX = 65_536
const EMPTY = Buffer.alloc(0)

type State =
  | { readonly kind: 'head' }
  | { readonly kind: 'bytes'; leftBytes: number; readonly answer: Answer }
  | { readonly kind: 'chunk-size' | 'chunk-end' | 'trailer'; readonly answer: Answer }
  | { readonly kind: 'chunk'; leftBytes: number; readonly answer: Answer }
  | { readonly kind: 'until-end'; readonly answer: Answer }

export class AnswerReader {
  #state: State = { kind: 'head' }
  #waiting: Buffer = EMPTY

  /**
   * @returns The answers that are whole now, interim ones (100) included.
   * @throws Error for what is no HTTP: the connection is of no more use.
   */
  add(bytes: Buffer): Answer[] {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes])
    const answers: Answer[] = []
    for (let isMoving = true; isMoving;) isMoving = this.#step(answers)
    return answers
  }

  /** The connection has ended: an answer whose body ends with it is whole. */
  end(): Answer | undefined {
    return this.#state.kind === 'until-end' ? this.#state.answer : undefined
  }

  /** @returns Whether there may be more to do. */
  #step(answers: Answer[]): boolean {
    const state = this.#state
    switch (state.kind) {
      case 'head':
        return this.#readHead(answers)
      case 'bytes':
      case 'chunk': {
        const taken = Math.min(state.leftBytes, this.#waiting.length)
        this.#waiting = this.#waiting.subarray(taken)
        state.leftBytes -= taken
        if (state.leftBytes > 0) return false
        if (state.kind === 'chunk') this.#state = { kind: 'chunk-end', answer: state.answer }
        else this.#finish(answers, state.answer)
        return true
      }
      case 'until-end':
        this.#waiting = EMPTY
        return false
      default:
        return this.#readLine(answers, state)
    }
  }

  #readHead(answers: Answer[]): boolean {
    const end = this.#waiting.indexOf('\r\n\r\n')
    if (end === -1) {
      if (this.#waiting.length > HEAD_BYTES_MAX) throw new Error('the head of an answer has no end')
      return false
    }
    const head = this.#waiting.subarray(0, end).toString('latin1')
    this.#waiting = this.#waiting.subarray(end + 4)
    const [, status = ''] = /^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head) ?? []
    if (status === '') throw new Error('what answers is no HTTP/1.1 server')
    const statusCode = Number(status)
    if (statusCode < 200) {
      answers.push({ status: statusCode, isLast: false })
      return true
    }
    const isLast = /\r\nconnection: *close/i.test(head) || head.startsWith('HTTP/1.0')
    const answer = { status: statusCode, isLast }
    const length = /\r\ncontent-length: *(\d{1,15}) *(?:\r|$)/i.exec(head)?.[1]
    if (statusCode === 204 || statusCode === 304) this.#finish(answers, answer)
    else if (/\r\ntransfer-encoding: *[^\r]*chunked/i.test(head)) {
      this.#state = { kind: 'chunk-size', answer }
    } else if (length !== undefined) {
      this.#state = { kind: 'bytes', leftBytes: Number(length), answer }
    } else this.#state = { kind: 'until-end', answer: { ...answer, isLast: true } }
    return true
  }

  #readLine(
    answers: Answer[],
    state: Extract<State, { kind: 'chunk-size' | 'chunk-end' | 'trailer' }>,
  ) {
    const end = this.#waiting.indexOf('\r\n')
    if (end === -1) {
      if (this.#waiting.length > HEAD_BYTES_MAX) throw new Error('a line of an answer has no end')
      return false
    }
    const line = this.#waiting.subarray(0, end).toString('latin1')
    this.#waiting = this.#waiting.subarray(end + 2)
    const { answer } = state
    if (state.kind === 'chunk-end') this.#state = { kind: 'chunk-size', answer }
    else if (state.kind === 'trailer') {
      if (line === '') this.#finish(answers, answer)
    } else {
      const size = /^[0-9a-f]{1,8}/i.exec(line)?.[0]
      if (size === undefined) throw new Error('a chunk of an answer has no size')
      const leftBytes = Number.parseInt(size, 16)
      this.#state =
        leftBytes === 0 ? { kind: 'trailer', answer } : { kind: 'chunk', leftBytes, answer }
    }
    return true
  }

  #finish(answers: Answer[], answer: Answer): void {
    this.#state = { kind: 'head' }
    answers.push(answer)
  }
}
