/** Building blocks of the settings schema: what a port, a time and a section look like. */

import Type from 'typebox'
import type { TSchemaOptions } from 'typebox'

export const port = (options: object) => Type.Integer({ minimum: 0, maximum: 65535, ...options })

/** At most a day: node's timers fire at once when asked to wait longer than 24.8 days. */
export const seconds = (options: object) => Type.Number({ minimum: 0, maximum: 86_400, ...options })

/** One of a list that has a type of its own: a mapped array of literals would lose it. */
export const oneOf = <const Values extends readonly string[]>(
  values: Values,
  options: TSchemaOptions,
) =>
  Type.Unsafe<Values[number]>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      options,
    ),
  )

/** A group of settings; an unknown name in it is a fault. */
export const section = <Properties extends Parameters<typeof Type.Object>[0]>(
  properties: Properties,
  description: string,
) => Type.Object(properties, { additionalProperties: false, description })
