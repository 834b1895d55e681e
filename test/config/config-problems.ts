/** What `resolveConfig` refuses, as lines of text. */

import { HeadwaterError } from '../../src/base/errors.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigSources } from '../../src/config/resolve.ts'

/** The lines of `detail`; empty when the settings are accepted. */
export function configProblems(sources: ConfigSources): string[] {
  try {
    resolveConfig(sources)
    return []
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    return (error.detail ?? '').split('\n')
  }
}
