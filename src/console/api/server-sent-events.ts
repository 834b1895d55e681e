/**
 * Reads `text/event-stream` from the chunks of a fetch: EventSource sends no Authorization. Only what
 * the admin API sends is understood (event, data, comments); ids and retry times are skipped.
 */

export interface ServerSentEvent {
  /** `message` when the server names none. */
  readonly type: string
  readonly data: string
}

/** An event longer than this is not one of ours. */
const BUFFER_CHARS_MAX = 1024 * 1024

export class ServerSentEventReader {
  #rest = ''
  #type = ''
  #data: string[] = []

  /**
   * @returns The events that this text completes.
   * @throws RangeError on a line that does not end.
   */
  push(text: string): ServerSentEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > BUFFER_CHARS_MAX) throw new RangeError('an endless line of events')
    return lines.flatMap((line) => this.#line(line))
  }

  #line(line: string): ServerSentEvent[] {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#type = value
    if (field === 'data') this.#data.push(value)
    return []
  }

  #dispatch(): ServerSentEvent[] {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#type = ''
    this.#data = []
    return isEmpty ? [] : [event]
  }
}
