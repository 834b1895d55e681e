/** How a request of the console can fail. */

/** The server answered, and refused. Its words are for people. */
export class ApiError extends Error {
  /** HTTP status. */
  readonly statusCode: number
  /** `HW_…`, or '' from something that is not Headwater. */
  readonly code: string
  /** A second sentence that says what to do; '' when there is none. */
  readonly detail: string

  constructor(statusCode: number, code: string, message: string, detail: string) {
    super(message)
    this.name = 'ApiError'
    this.statusCode = statusCode
    this.code = code
    this.detail = detail
  }
}

/** No answer at all: the server is down, restarting, or out of reach. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super('The server is not answering.', { cause })
    this.name = 'UnreachableError'
  }
}

/** From an answer's status and text: the admin API's problem, or a proxy's page. */
export function toApiError(statusCode: number, text: string): ApiError {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body) {
      const code = 'code' in body ? String(body.code) : ''
      const message = String(body.message)
      const detail = 'detail' in body ? String(body.detail) : ''
      return new ApiError(statusCode, code, message, detail === message ? '' : detail)
    }
  } catch {
    // Ignored: not JSON.
  }
  return new ApiError(statusCode, '', `The server answered with ${statusCode}.`, '')
}

/** Any failure as one or two sentences. */
export function toSentences(error: unknown): string {
  if (error instanceof ApiError) {
    return [error.message, error.detail].filter((part) => part !== '').join(' ')
  }
  return error instanceof Error ? error.message : 'Something went wrong.'
}
