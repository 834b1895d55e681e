/** Faults and scenarios in a file: YAML, or JSON, which is YAML, too. Text in, checked shape out. */

import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Static } from 'typebox'
import { parseDocument } from 'yaml'
import { HeadwaterError } from '../base/errors.ts'
import { FAULT_NAME, FAULTS_MAX, FaultSchema } from './fault-schema.ts'

/** Longest file, chars. */
export const FAULT_FILE_CHARS_MAX = 256 * 1024

export const ScenarioSchema = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    faults: Type.Array(FaultSchema, { maxItems: FAULTS_MAX }),
  },
  { additionalProperties: false, description: 'A scenario.' },
)

export const FaultFileSchema = Type.Object(
  {
    faults: Type.Optional(
      Type.Array(FaultSchema, { maxItems: FAULTS_MAX, description: 'For everybody.' }),
    ),
    scenarios: Type.Optional(
      Type.Record(Type.String({ pattern: FAULT_NAME }), ScenarioSchema, {
        additionalProperties: false,
        maxProperties: FAULTS_MAX,
        description: 'By name, for who asks by `/rig/<name>/cache/…`.',
      }),
    ),
  },
  { additionalProperties: false },
)

export type FaultFile = Static<typeof FaultFileSchema>

/** @throws HeadwaterError `HW_FAULT_INVALID` that says where the file is wrong. */
export function parseFaultFile(text: string): FaultFile {
  if (text.length > FAULT_FILE_CHARS_MAX) {
    throw new HeadwaterError(
      'HW_FAULT_INVALID',
      `The file has more than ${FAULT_FILE_CHARS_MAX} chars.`,
    )
  }
  const value = readYaml(text)
  if (Value.Check(FaultFileSchema, value)) return value
  const problems = [...Value.Errors(FaultFileSchema, value)]
    .filter(({ keyword }) => keyword !== 'boolean')
    .slice(0, 5)
    .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new HeadwaterError(
    'HW_FAULT_INVALID',
    `The file is not one of faults: ${problems.join('; ')}.`,
    {
      detail: 'It has `faults:` (a list) or `scenarios:` (lists of faults by name), or both.',
    },
  )
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined) {
    const [line = ''] = error.message.split('\n')
    throw new HeadwaterError('HW_FAULT_INVALID', `The file is no YAML: ${line}`)
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch (cause) {
    // A few aliases of aliases are gigabytes.
    throw new HeadwaterError('HW_FAULT_INVALID', 'The file has too many aliases.', { cause })
  }
}
