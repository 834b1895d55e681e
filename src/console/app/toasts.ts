/** Short messages about what was just done. Errors that need an answer belong on the page instead. */

export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad'
  readonly text: string
}

const SHOWN_MS = 6000
const SHOWN_MAX = 4

export class Toasts {
  readonly #later: (call: () => void, delayMs: number) => void
  readonly #listeners = new Set<() => void>()
  #toasts: readonly Toast[] = []
  #lastId = 0

  constructor(later: (call: () => void, delayMs: number) => void) {
    this.#later = later
  }

  /** The same array as long as nothing changed. */
  get shown(): readonly Toast[] {
    return this.#toasts
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  show(text: string, tone: Toast['tone'] = 'good'): void {
    const id = ++this.#lastId
    this.#set([...this.#toasts, { id, tone, text }].slice(-SHOWN_MAX))
    this.#later(() => this.dismiss(id), SHOWN_MS)
  }

  dismiss(id: number): void {
    this.#set(this.#toasts.filter((toast) => toast.id !== id))
  }

  #set(toasts: readonly Toast[]): void {
    this.#toasts = toasts
    for (const listener of this.#listeners) listener()
  }
}
