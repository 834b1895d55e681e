/**
 * Collects an upload in the pieces it arrives in, without copying large ones. Small pieces are
 * packed into blocks: an object sent in one-byte chunks must not cost a Buffer per byte.
 */

const SMALL_BYTES = 8 * 1024
const BLOCK_BYTES_MIN = 512
const BLOCK_BYTES = 64 * 1024

export class BodyCollector {
  #chunks: Uint8Array[] = []
  #block: Buffer | undefined
  #blockUsed = 0
  #blockBytes = 0
  #sizeBytes = 0

  /** Sum of what was added, bytes. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** @param chunk  Owned by the collector from now on; its memory must not be reused. */
  add(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length
    if (chunk.length >= SMALL_BYTES) {
      this.#closeBlock()
      this.#chunks.push(chunk)
      return
    }
    if (this.#block === undefined || this.#blockUsed + chunk.length > this.#block.length) {
      this.#closeBlock()
      // Blocks double: what an upload holds stays in proportion to what it has sent.
      this.#blockBytes = Math.min(BLOCK_BYTES, Math.max(BLOCK_BYTES_MIN, 2 * this.#blockBytes))
      this.#block = Buffer.allocUnsafeSlow(Math.max(chunk.length, this.#blockBytes))
    }
    this.#block.set(chunk, this.#blockUsed)
    this.#blockUsed += chunk.length
  }

  /** The bytes so far, for a reader that comes while the upload goes on. The collector keeps them. */
  snapshot(): readonly Uint8Array[] {
    if (this.#block === undefined || this.#blockUsed === 0) return [...this.#chunks]
    // Copied: the block goes on being written to. Its used part is not, but its owner is us.
    return [...this.#chunks, Buffer.from(this.#block.subarray(0, this.#blockUsed))]
  }

  /** The chunks, each of exact size; the collector is empty afterwards. */
  take(): readonly Uint8Array[] {
    this.#closeBlock()
    const chunks = this.#chunks
    this.#chunks = []
    this.#sizeBytes = 0
    return chunks
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = []
    this.#block = undefined
    this.#blockUsed = 0
    this.#sizeBytes = 0
  }

  #closeBlock(): void {
    if (this.#block === undefined) return
    if (this.#blockUsed > 0) {
      if (this.#blockUsed === this.#block.length) {
        this.#chunks.push(this.#block)
      } else {
        // Exact, so that a stored playlist never keeps a mostly empty block alive.
        const exact = Buffer.allocUnsafeSlow(this.#blockUsed)
        this.#block.copy(exact, 0, 0, this.#blockUsed)
        this.#chunks.push(exact)
      }
    }
    this.#block = undefined
    this.#blockUsed = 0
  }
}
