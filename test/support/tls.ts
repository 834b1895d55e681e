/** Certificates for tests (`test/fixtures/tls/`) and a log that can be read. */

import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '../../src/base/log.ts'
import type { Logger } from '../../src/base/log.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/tls')

/** Path of a fixture: `first.cert.pem`. */
export function tlsFixture(name: string): string {
  return join(FIXTURES, name)
}

/** Puts a certificate and a key where an origin can read, lose and replace them. */
export async function installCertificate(
  directory: string,
  name: 'first' | 'second',
): Promise<{ certFile: string; keyFile: string }> {
  const files = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') }
  await copyFile(tlsFixture(`${name}.cert.pem`), files.certFile)
  await copyFile(tlsFixture(`${name}.key.pem`), files.keyFile)
  return files
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [name: string]: unknown
}

/** A log whose lines are kept. */
export function recordingLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const log = createLogger('info', {
    // pino's own lines.
    write: (line: string) => void lines.push(JSON.parse(line) as LogLine),
  })
  return { log, lines }
}
