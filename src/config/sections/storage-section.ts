/** Settings of where objects are kept. */

import Type from 'typebox'
import { oneOf, section } from './fields.ts'

export const storageSection = section(
  {
    kind: Type.Union(
      [
        Type.Literal('memory'),
        Type.Literal('disk'),
        Type.Literal('valkey', { 'x-needs': 'the Valkey store' }),
      ],
      {
        default: 'memory',
        description:
          'Where objects are kept. `memory`: a restart is empty. `disk`: in the data directory too, a restart serves what has not expired.',
      },
    ),
    sync: oneOf(['always', 'interval'], {
      default: 'interval',
      description:
        'When a write is acknowledged with `storage.kind: disk`. `interval`: once it is committed; the end of the process loses nothing, a power loss may lose the last second. `always`: once the disk has it for good, which costs each write a flush.',
    }),
    disk: section(
      {
        sizeBytesMax: Type.Integer({
          default: 0,
          minimum: 0,
          description:
            'Bytes of objects on disk. Over it a write is refused with 507 until something expires. 0: half of what is free at the start, together with what is stored already.',
        }),
      },
      'Objects in the data directory (`storage.kind: disk`).',
    ),
    valkey: section(
      {
        url: Type.String({
          default: '',
          'x-secret': true,
          'x-needs': 'the Valkey store',
          description: 'URL of Valkey or Redis.',
        }),
      },
      'Valkey or Redis.',
    ),
  },
  'Durability.',
)
