/** Exact numbers of bytes from a stream that comes in chunks of any size. */

/** One reader at a time. */
export class ByteReader {
  readonly #chunks: AsyncIterator<unknown>
  /** What has come and was not read yet. */
  #waiting: Buffer[] = []
  #waitingBytes = 0

  constructor(chunks: AsyncIterable<unknown>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /**
   * Memory grows with what has come, not with what is asked for.
   *
   * @returns `undefined` when the stream ends before.
   */
  async read(sizeBytes: number): Promise<Buffer | undefined> {
    if (!(await this.#fill(sizeBytes))) return undefined
    const all = this.#joined()
    const rest = all.subarray(sizeBytes)
    this.#waiting = rest.length === 0 ? [] : [rest]
    this.#waitingBytes = rest.length
    return all.subarray(0, sizeBytes)
  }

  /** At most so many, fewer at the end; they can be read again. */
  async peek(sizeBytes: number): Promise<Buffer> {
    await this.#fill(sizeBytes)
    const all = this.#joined()
    this.#waiting = [all]
    return all.subarray(0, sizeBytes)
  }

  #joined(): Buffer {
    const [only] = this.#waiting
    return only !== undefined && this.#waiting.length === 1 ? only : Buffer.concat(this.#waiting)
  }

  async #fill(sizeBytes: number): Promise<boolean> {
    while (this.#waitingBytes < sizeBytes) {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      const chunk = toBuffer(next.value)
      this.#waiting.push(chunk)
      this.#waitingBytes += chunk.length
    }
    return true
  }
}

/** Streams give bytes; those of tests and pipes with an encoding give text. */
function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.from(String(chunk))
}
