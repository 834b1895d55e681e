/** What TLS to Valkey needs, from the files that the settings name. */

import { readFile } from 'node:fs/promises'
import { HeadwaterError } from '../../base/errors.ts'
import type { ValkeyTlsFiles } from './valkey-client.ts'

type FileSetting = 'caFile' | 'certFile' | 'keyFile'

/**
 * Reads each file that is named; '' is none.
 *
 * @throws HeadwaterError `HW_START_VALKEY` with every file that cannot be used.
 */
export async function readTlsFiles(
  paths: Readonly<Record<FileSetting, string>>,
): Promise<ValkeyTlsFiles> {
  const problems: string[] = []
  const read = async (name: FileSetting) => {
    const path = paths[name]
    if (path === '') return undefined
    try {
      const text = await readFile(path, 'utf8')
      if (text.includes('-----BEGIN ')) return text
      problems.push(`storage.valkey.${name}: ${path} is not a PEM file`)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      problems.push(`storage.valkey.${name}: ${path} cannot be read (${code})`)
    }
    return undefined
  }
  // One after the other: problems are told in this order.
  const [ca, cert, key] = [await read('caFile'), await read('certFile'), await read('keyFile')]
  if (problems.length > 0) throw new HeadwaterError('HW_START_VALKEY', `${problems.join('; ')}.`)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}
