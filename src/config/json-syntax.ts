/**
 * Where and why a JSON text is wrong. The engine's own message has no position for some faults,
 * quotes the text (which may hold a secret) and says nothing about a name that is written twice.
 */

export interface JsonFault {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly fix: string
}

/** Deepest nesting that is followed; no settings file comes near. */
const DEPTH_MAX = 64

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y

/** @returns The first fault, or `undefined` when `JSON.parse` takes the text and no name repeats. */
export function findJsonFault(text: string): JsonFault | undefined {
  const scanner = new JsonScanner(text)
  const fix = scanner.scan()
  if (fix === undefined) return undefined
  const before = text.slice(0, scanner.position)
  const line = before.split('\n').length
  return { line, column: before.length - before.lastIndexOf('\n'), fix }
}

/** Recursive descent; each method returns what is wrong at `position`, or nothing. */
class JsonScanner {
  readonly #text: string
  position = 0

  constructor(text: string) {
    this.#text = text
  }

  scan(): string | undefined {
    const fault = this.#value(0)
    if (fault !== undefined) return fault
    this.#skipSpace()
    return this.position === this.#text.length ? undefined : 'nothing may follow the last bracket'
  }

  #value(depth: number): string | undefined {
    this.#skipSpace()
    if (depth > DEPTH_MAX) return 'is nested too deeply'
    const next = this.#text[this.position]
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    if (this.#take(WORD) !== undefined || this.#take(NUMBER) !== undefined) return undefined
    return this.#expected('a value')
  }

  #object(depth: number): string | undefined {
    const names = new Set<string>()
    this.position++
    if (this.#isNext('}')) return undefined
    for (;;) {
      this.#skipSpace()
      const startPosition = this.position
      if (this.#text[startPosition] !== '"') return this.#expected('a name in double quotes')
      const fault = this.#string()
      if (fault !== undefined) return fault
      const name = String(JSON.parse(this.#text.slice(startPosition, this.position)))
      if (names.has(name)) {
        this.position = startPosition
        return `the name ${JSON.stringify(name)} is here twice; only one of them would count`
      }
      names.add(name)
      if (!this.#isNext(':')) return this.#expected('a colon')
      const valueFault = this.#value(depth + 1)
      if (valueFault !== undefined) return valueFault
      if (this.#isNext('}')) return undefined
      if (!this.#isNext(',')) return this.#expected('a comma or }')
    }
  }

  #array(depth: number): string | undefined {
    this.position++
    if (this.#isNext(']')) return undefined
    for (;;) {
      const fault = this.#value(depth + 1)
      if (fault !== undefined) return fault
      if (this.#isNext(']')) return undefined
      if (!this.#isNext(',')) return this.#expected('a comma or ]')
    }
  }

  #string(): string | undefined {
    return this.#take(STRING) === undefined
      ? 'this text does not end on its line, or has a backslash that must be doubled'
      : undefined
  }

  #expected(what: string): string {
    const rest = this.#text.slice(this.position)
    if (rest === '') return `the text ends where ${what} must be`
    if (rest.startsWith('//') || rest.startsWith('/*')) return 'JSON has no comments'
    if (rest.startsWith("'")) return 'JSON wants double quotes'
    if (/^[}\]]/.test(rest)) return `${what} must be here; a comma before a bracket is one too many`
    return `${what} must be here`
  }

  #isNext(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.position] !== character) return false
    this.position++
    return true
  }

  #skipSpace(): void {
    this.#take(/[ \t\r\n]*/y)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position
    const match = pattern.exec(this.#text)?.[0]
    if (match !== undefined) this.position += match.length
    return match
  }
}
