/** Settings of credentials. */

import Type from 'typebox'
import { section } from './fields.ts'

/** `auth.*` */
export const authSection = section(
  {
    signingKey: Type.String({
      default: '',
      'x-secret': true,
      description:
        'Secret that signs keys, at least 32 bytes. Empty: made at first start and kept in the data directory.',
    }),
    devKeys: Type.Boolean({
      default: false,
      description:
        'Accept three fixed, public keys (`dev-super-user`, `dev-encoder`, `dev-player`). For test rigs only.',
    }),
    loopbackWithoutKey: Type.Boolean({
      default: false,
      description:
        'Clients on this machine need no credential, guarded by checks of `Host` and `Origin`. Never behind a proxy on this machine: its clients would all be local.',
    }),
    failuresPerSecondMax: Type.Number({
      default: 10,
      minimum: 0.1,
      description:
        'Failed credentials a second from one client address before unknown ones are refused unread (429). Verified keys are never affected.',
    }),
    failuresBurst: Type.Integer({
      default: 50,
      minimum: 1,
      description: 'Failed credentials from one address that may come at once.',
    }),
  },
  'Credentials.',
)
