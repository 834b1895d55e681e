/** The JSON Schema of `headwater.config.json` for editors. Checking at start does not use it. */

import { ConfigSchema } from './schema.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Draft 07: what editors understand best. Nothing is required, as in the file itself. */
export function configJsonSchema(): JsonObject {
  // typebox schemas are plain JSON with some hidden properties, which this drops.
  const plain = JSON.parse(JSON.stringify(ConfigSchema)) as JsonObject
  const { properties, ...rest } = toEditorSchema(plain)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'headwater.config.json',
    ...rest,
    properties: { $schema: { type: 'string' }, ...(properties as JsonObject) },
  }
}

function toEditorSchema(node: JsonObject): JsonObject {
  const editor: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(node)) {
    if (name.startsWith('x-') || name === 'required') continue
    if (name === 'anyOf') Object.assign(editor, toEnum(value as readonly JsonObject[]))
    else if (name === 'properties') editor[name] = mapValues(value as JsonObject, toEditorSchema)
    else if (name === 'items') editor[name] = toItemSchema(value as JsonObject)
    else editor[name] = value
  }
  return editor
}

/** An entry of a list: what it leaves out comes from elsewhere, not from a default. */
function toItemSchema(node: JsonObject): JsonObject {
  const editor = toEditorSchema(node)
  if (editor['properties'] === undefined) return editor
  return {
    ...editor,
    required: node['required'],
    properties: mapValues(editor['properties'] as JsonObject, (field) =>
      Object.fromEntries(Object.entries(field).filter(([name]) => name !== 'default')),
    ),
  }
}

/** Alternatives are literals throughout. */
function toEnum(options: readonly JsonObject[]): JsonObject {
  return { enum: options.map((option) => option['const']) }
}

function mapValues(
  object: JsonObject,
  convert: (value: JsonObject) => JsonObject,
): Record<string, JsonObject> {
  // Values of `properties` are schemas, which are objects.
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, convert(value as JsonObject)]),
  )
}
