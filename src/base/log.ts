/**
 * Logging: pino, JSON lines, redacted. Components take a {@link Logger}; the composition root makes
 * it. Nothing is logged at `info` per item request.
 */

import { pino } from 'pino'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { redactUrl } from './redact.ts'

export type Logger = PinoLogger

/** pino's levels, plus `silent`. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/**
 * @param destination  Where lines go; stderr when absent, since stdout has the ready line and the banner.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact: {
      paths: [
        'authorization',
        'token',
        'headers.authorization',
        'req.headers.authorization',
        '*.apiKey',
        'apiKey',
        'refreshToken',
      ],
      censor: '[redacted]',
    },
    serializers: {
      // A token travels in the query: the path is logged without it.
      req: (request: { method?: string; url?: string; id?: unknown }) => ({
        id: request.id,
        method: request.method,
        url: redactUrl(request.url ?? ''),
      }),
    },
  }
  return pino(options, destination ?? pino.destination(2))
}
