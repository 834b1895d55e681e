/**
 * The certificate of the TLS port, from its two files: read, checked, and said what is wrong with
 * them in words. Not the server that uses it.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { SecureContextOptions } from 'node:tls'
import { parseCertificateTime } from '../base/dates.ts'
import { systemErrorCode } from '../base/system-error.ts'
import { HeadwaterError } from '../base/errors.ts'

export interface CertificateFiles {
  /** PEM: the server's certificate first, then those that lead to the authority. */
  readonly certFile: string
  /** PEM, without a passphrase. */
  readonly keyFile: string
  /** Newest version to speak. */
  readonly versionMax: 'TLSv1.2' | 'TLSv1.3'
}

export interface Certificate {
  readonly context: SecureContextOptions
  /** Names it is for, as the certificate has them: `DNS:origin.example.com, IP Address:10.0.0.1`. */
  readonly names: string
  /** SHA-256, hex with colons: what a client's log shows. */
  readonly fingerprint: string
  /** Wall clock, ms since the epoch; `undefined` when the certificate does not say it well. */
  readonly validToMs: number | undefined
}

/**
 * TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3: the "intermediate" list of
 * Mozilla's server-side TLS guide without DHE, which would need parameters of its own.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** @throws HeadwaterError HW_START_TLS_UNUSABLE naming each file that is wrong, and why. */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const problems: string[] = []
  const cert = await readPem('http.tls.certFile', files.certFile, problems)
  const key = await readPem('http.tls.keyFile', files.keyFile, problems)
  const x509 =
    cert === undefined
      ? undefined
      : attempt(
          () => new X509Certificate(cert),
          problems,
          () => {
            return `${named('http.tls.certFile', files.certFile)} has no PEM certificate`
          },
        )
  const privateKey =
    key === undefined
      ? undefined
      : attempt(
          () => createPrivateKey(key),
          problems,
          () => {
            const what = key.includes('ENCRYPTED')
              ? 'is locked with a passphrase; store it without one, readable by this user alone'
              : 'has no PEM key'
            return `${named('http.tls.keyFile', files.keyFile)} ${what}`
          },
        )
  if (cert === undefined || key === undefined || x509 === undefined || privateKey === undefined) {
    throw unusable(problems)
  }
  return checkedCertificate(files, { cert, key, x509, privateKey })
}

function checkedCertificate(
  files: CertificateFiles,
  parts: { cert: Buffer; key: Buffer; x509: X509Certificate; privateKey: KeyObject },
): Certificate {
  const { cert, key, x509, privateKey } = parts
  if (!x509.checkPrivateKey(privateKey)) {
    throw unusable([
      `${named('http.tls.keyFile', files.keyFile)} is not the key of ${named('http.tls.certFile', files.certFile)}`,
    ])
  }
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    maxVersion: files.versionMax,
    ciphers: CIPHERS,
    // Every one of the list is good: a phone without AES in hardware may prefer ChaCha20.
    honorCipherOrder: false,
  }
  try {
    createSecureContext(context)
  } catch (error) {
    // Weak keys and digests among others.
    throw unusable([`${named('http.tls.certFile', files.certFile)}: ${reasonOf(error)}`], error)
  }
  return {
    context,
    names: x509.subjectAltName ?? x509.subject.replaceAll('\n', ', '),
    fingerprint: x509.fingerprint256,
    validToMs: parseCertificateTime(x509.validTo),
  }
}

async function readPem(
  setting: string,
  path: string,
  problems: string[],
): Promise<Buffer | undefined> {
  if (path === '') {
    problems.push(`${setting} is not set`)
    return undefined
  }
  try {
    return await readFile(path)
  } catch (error) {
    problems.push(
      `${named(setting, path)} cannot be read: ${READ_FAILURES[systemErrorCode(error)] ?? reasonOf(error)}`,
    )
    return undefined
  }
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
}

function attempt<T>(make: () => T, problems: string[], describe: () => string): T | undefined {
  try {
    return make()
  } catch {
    // OpenSSL's words ("DECODER routines::unsupported") help nobody.
    problems.push(describe())
    return undefined
  }
}

function unusable(problems: readonly string[], cause?: unknown): HeadwaterError {
  return new HeadwaterError('HW_START_TLS_UNUSABLE', `No TLS: ${problems.join('; ')}.`, { cause })
}

function named(setting: string, path: string): string {
  return `${setting} ${JSON.stringify(path)}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
