/** Settings of where objects are kept. */

import Type from 'typebox'
import { oneOf, section } from './fields.ts'

export const storageSection = section(
  {
    kind: Type.Union([Type.Literal('memory'), Type.Literal('disk'), Type.Literal('valkey')], {
      default: 'memory',
      description:
        'Where objects are kept. `memory`: a restart is empty. `disk`: in the data directory too, a restart serves what has not expired. `valkey`: in Valkey or Redis, which any number of origins share.',
    }),
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
    timeoutMs: Type.Integer({
      default: 2000,
      minimum: 50,
      maximum: 60_000,
      description:
        'Longest wait for an answer of Valkey. A write that gets none is refused with 503.',
    }),
    valkey: section(
      {
        url: Type.String({
          default: '',
          'x-secret': true,
          description:
            'Where Valkey or Redis is: `valkey://user:password@host:6379/0`, `valkeys://` for TLS, several hosts of a cluster with commas, `?sentinel=<name>` when the hosts are Sentinels.',
        }),
        caFile: Type.String({
          default: '',
          description:
            "PEM file of the authorities that sign Valkey's certificate, and its Sentinels', when the system does not know them.",
        }),
        certFile: Type.String({
          default: '',
          description:
            'PEM file of a client certificate, for a Valkey that asks for one (`tls-auth-clients`, its default). With `storage.valkey.keyFile`.',
        }),
        keyFile: Type.String({
          default: '',
          description: 'PEM file of the key of that certificate.',
        }),
        sentinelUsername: Type.String({
          default: '',
          description:
            'User of the Sentinels, when they have one; it may also be in the URL (`&sentinelUsername=`).',
        }),
        sentinelPassword: Type.String({
          default: '',
          'x-secret': true,
          description:
            'Password of the Sentinels, when they have one: they do not share that of Valkey. It may also be in the URL (`&sentinelPassword=`).',
        }),
      },
      'Valkey or Redis (`storage.kind: valkey`).',
    ),
  },
  'Durability.',
)
