/** Settings of what the origin tells others: the access log, webhooks. */

import Type from 'typebox'
import { section } from './fields.ts'

/** `accessLog.*` */
export const accessLogSection = section(
  {
    path: Type.String({
      default: '',
      description:
        'File for JSON lines of item requests, or `stderr`. Empty: none. Relative to the working directory; opened again on SIGUSR2.',
    }),
    sample: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description:
        'Share of the reads answered as asked that is logged. Writes, misses, refusals and broken answers always are.',
    }),
  },
  'The access log.',
)

/** What a webhook may be told of. */
const WEBHOOK_EVENTS = ['live', 'stale', 'ended', 'broken', 'finding', 'write-refused'] as const

/** `webhooks.*` */
export const webhooksSection = section(
  {
    secret: Type.String({
      default: '',
      'x-secret': true,
      description:
        'Signs every call (HMAC-SHA256, by the Standard Webhooks specification): 16 bytes of text at least, or `whsec_` and base64. Needed as soon as a webhook has no `secretFile`.',
    }),
    items: Type.Array(
      Type.Object(
        {
          url: Type.String({
            pattern: '^https?://[^/]',
            maxLength: 2048,
            'x-secret': true,
            description:
              'Where events are sent, by POST. Treated as a secret: such URLs often hold one.',
          }),
          events: Type.Optional(
            Type.Array(
              Type.String({
                pattern: `^(${WEBHOOK_EVENTS.join('|')})$`,
                examples: ['live'],
              }),
              {
                default: [],
                maxItems: WEBHOOK_EVENTS.length,
                description: `Any of ${WEBHOOK_EVENTS.map((name) => `\`${name}\``).join(', ')}. Empty: all of them.`,
              },
            ),
          ),
          secretFile: Type.Optional(
            Type.String({
              default: '',
              description:
                'File with a secret of its own, instead of `webhooks.secret`. Relative to the working directory.',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      {
        default: [],
        maxItems: 20,
        description:
          'Receivers of events: channels that go live, stale, broken or end, findings in playlists, refused writes.',
      },
    ),
  },
  'Webhooks: signed calls to others when something happens.',
)
