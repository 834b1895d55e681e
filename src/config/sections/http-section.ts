/** Settings of the two planes: addresses, limits of connections, stopping, TLS. */

import Type from 'typebox'
import { port, seconds, section } from './fields.ts'

/** `http.*` */
export const httpSection = section(
  {
    host: Type.String({
      default: 'localhost',
      minLength: 1,
      description:
        'Address of the data plane. `localhost` listens on 127.0.0.1 and ::1, `*` on the whole network.',
    }),
    port: port({ default: 8080, description: 'Port of the data plane. 0 picks a free one.' }),
    publicUrl: Type.String({
      default: '',
      description:
        'URL that encoders and players use, when it is not this address: rules every printed and generated URL.',
    }),
    trustedProxies: Type.Array(Type.String(), {
      default: [],
      description:
        'Addresses or CIDR ranges whose `X-Forwarded-For` is believed: the client is the rightmost untrusted hop.',
    }),
    headerBytesMax: Type.Integer({
      default: 32_768,
      minimum: 8192,
      maximum: 262_144,
      description: 'Largest header block; 431 above. CloudFront sends up to 20,480 bytes.',
    }),
    urlBytesMax: Type.Integer({
      default: 8192,
      minimum: 1024,
      maximum: 32_768,
      description: 'Longest request target; 414 above.',
    }),
    headersTimeoutSeconds: seconds({
      default: 10,
      minimum: 1,
      description: 'A request head must be complete within this time.',
    }),
    uploadIdleSeconds: seconds({
      default: 60,
      minimum: 1,
      description:
        'An upload may be silent this long: encoders hold a request open for a whole segment.',
    }),
    keepAliveSeconds: seconds({
      default: 125,
      minimum: 1,
      description: 'Idle connections stay open this long; CloudFront keeps its own for up to 120.',
    }),
    readerStallSeconds: seconds({
      default: 30,
      minimum: 1,
      description:
        'A reader that takes nothing for this long is cut; until then it holds at most one object.',
    }),
    connectionsMax: Type.Integer({
      default: 20_000,
      minimum: 16,
      description: 'Open connections; further ones are closed at once.',
    }),
    shutdownDelaySeconds: seconds({
      default: 0,
      description:
        'On stop, readiness is false and requests are still accepted for this long, so that a balancer can look away.',
    }),
    shutdownSeconds: seconds({
      default: 10,
      description: 'On stop, uploads and answers in progress may take this long.',
    }),
    tls: section(
      {
        port: port({
          default: 8443,
          description:
            'Port for TLS, beside the plain one; open once `http.tls.certFile` is set. 0 picks a free one.',
        }),
        certFile: Type.String({
          default: '',
          description:
            'PEM file: the certificate and those up to its authority. Empty: no TLS. Relative to the working directory; read again on SIGHUP.',
        }),
        versionMax: Type.Union([Type.Literal('TLSv1.2'), Type.Literal('TLSv1.3')], {
          default: 'TLSv1.2',
          description:
            'Newest version spoken. With TLS 1.3 a client that closes right after its upload, as ffmpeg does without `-http_persistent 1`, resets the connection over session tickets it never read, and the upload may be lost.',
        }),
        keyFile: Type.String({
          default: '',
          description: 'PEM file with the key of the certificate, without a passphrase.',
        }),
      },
      'TLS of the data plane: for encoders that speak https without a proxy in front.',
    ),
  },
  'The data plane: what encoders and players talk to.',
)

/** `admin.*` */
export const adminSection = section(
  {
    host: Type.String({
      default: 'localhost',
      minLength: 1,
      description: 'Address of the admin API, metrics and console.',
    }),
    port: port({ default: 8081, description: 'Port of the admin plane. 0 picks a free one.' }),
    publicUrl: Type.String({
      default: '',
      description: 'URL under which the admin plane is reached, when it is not this address.',
    }),
    allowedHosts: Type.Array(Type.String(), {
      default: [],
      description:
        'Further `Host` names (without port) that may use the admin API; loopback names and `admin.publicUrl` always may.',
    }),
  },
  'The admin plane.',
)
