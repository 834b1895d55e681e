/**
 * The one error class and its table. For the control plane, start-up and backends; a miss, a
 * refusal or a limit on the item path is a value, never an Error (an Error costs 5 us to build).
 */

/** Who has to act: the caller, whoever runs this server, a backend, or we. */
export type Blame = 'client' | 'operator' | 'backend' | 'bug'

interface ErrorKind {
  readonly statusCode: number
  readonly blame: Blame
  /** The general sentence; the instance's message says what happened this time. */
  readonly summary: string
}

/** Every code this program can raise. `docs/errors.md` is generated from it. */
export const ERROR_KINDS = {
  HW_CONFIG_INVALID: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The configuration has errors; each is listed with its setting, value and source.',
  },
  HW_START_PORT_TAKEN: {
    statusCode: 500,
    blame: 'operator',
    summary: 'Another process listens on the port.',
  },
  HW_START_LISTEN_FAILED: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The address cannot be listened on.',
  },
  HW_START_TLS_UNUSABLE: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The certificate or its key cannot be used for the TLS port.',
  },
  HW_START_ACCESS_LOG: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The access log cannot be written.',
  },
  HW_START_VALKEY: {
    statusCode: 500,
    blame: 'operator',
    summary: 'Valkey or Redis does not answer, or cannot keep what is promised as it is set up.',
  },
  HW_DATA_DIR_LOCKED: {
    statusCode: 500,
    blame: 'operator',
    summary: 'Another process owns the data directory.',
  },
  HW_DATA_DIR_UNUSABLE: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The data directory cannot be read or written.',
  },
  HW_DATA_DIR_CORRUPT: {
    statusCode: 500,
    blame: 'operator',
    summary: 'A file in the data directory is not what this program wrote.',
  },
  HW_AUTH_SIGNING_KEY: {
    statusCode: 500,
    blame: 'operator',
    summary:
      'The signing key is missing, too short, or not the one the data directory was made with.',
  },
  HW_KEY_INVALID: {
    statusCode: 400,
    blame: 'client',
    summary: 'The key that was asked for cannot be made.',
  },
  HW_KEY_NOT_FOUND: { statusCode: 404, blame: 'client', summary: 'No key has this id.' },
  HW_KEY_EXISTS: { statusCode: 409, blame: 'client', summary: 'A key with this id exists.' },
  HW_CACHE_INVALID: {
    statusCode: 400,
    blame: 'client',
    summary: 'The cache name or a cache setting is not valid.',
  },
  HW_CACHE_NOT_FOUND: { statusCode: 404, blame: 'client', summary: 'No cache has this name.' },
  HW_CACHE_EXISTS: { statusCode: 409, blame: 'client', summary: 'A cache with this name exists.' },
  HW_CHANNEL_NOT_FOUND: {
    statusCode: 404,
    blame: 'client',
    summary: 'No channel has this cache and key.',
  },
  HW_ADMIN_STREAMS_FULL: {
    statusCode: 429,
    blame: 'client',
    summary: 'As many live event streams are open as may be.',
  },
  HW_ADMIN_UNAUTHORIZED: {
    statusCode: 401,
    blame: 'client',
    summary: 'The admin API needs a super-user key or an explicit admin grant.',
  },
  HW_ADMIN_FORBIDDEN: {
    statusCode: 403,
    blame: 'client',
    summary: 'This key does not allow the operation.',
  },
  HW_ADMIN_THROTTLED: {
    statusCode: 429,
    blame: 'client',
    summary: 'Too many keys, sessions or links that are not accepted came from one address.',
  },
  HW_REQUEST_INVALID: { statusCode: 400, blame: 'client', summary: 'The request is not valid.' },
  HW_REQUEST_FORBIDDEN_HOST: {
    statusCode: 403,
    blame: 'client',
    summary: 'The Host or Origin header names a site that may not use the admin API.',
  },
  HW_STORE_FULL: {
    statusCode: 507,
    blame: 'operator',
    summary: 'The store cannot take the object within its bound.',
  },
  HW_STORE_UNAVAILABLE: {
    statusCode: 503,
    blame: 'backend',
    summary: 'The store does not answer.',
  },
  HW_RIG_DISABLED: {
    statusCode: 404,
    blame: 'client',
    summary: 'The powers of a test rig are off (`rig.enabled`).',
  },
  HW_FAULT_INVALID: { statusCode: 400, blame: 'client', summary: 'The fault is not valid.' },
  HW_FAULT_EXISTS: { statusCode: 409, blame: 'client', summary: 'A fault with this id exists.' },
  HW_FAULT_NOT_FOUND: { statusCode: 404, blame: 'client', summary: 'No fault has this id.' },
  HW_FAULTS_FULL: {
    statusCode: 409,
    blame: 'client',
    summary: 'As many faults, scenarios or runs of scenarios are there as may be.',
  },
  HW_CLOCK_INVALID: {
    statusCode: 400,
    blame: 'client',
    summary: 'The time, the distance or the rate is not one that the clock can have.',
  },
  HW_CLOCK_BACKWARDS: {
    statusCode: 409,
    blame: 'client',
    summary: 'The clock of a test rig goes forwards only.',
  },
  HW_CLOCK_STOPPED: {
    statusCode: 409,
    blame: 'client',
    summary: 'The clock stopped on its way: too many timers fell due, or the server stops.',
  },
  HW_CLOCK_BUSY: {
    statusCode: 409,
    blame: 'client',
    summary: 'As many moves of the clock wait for their turn as may.',
  },
  HW_CLOCK_FIXED: {
    statusCode: 409,
    blame: 'client',
    summary: 'The clock of this server cannot be moved.',
  },
  HW_SCENARIO_NOT_FOUND: {
    statusCode: 404,
    blame: 'client',
    summary: 'No scenario has this name.',
  },
  HW_RECORDING_EXISTS: {
    statusCode: 409,
    blame: 'client',
    summary: 'The cache is being recorded, or as many caches are as may be.',
  },
  HW_RECORDING_NOT_FOUND: {
    statusCode: 404,
    blame: 'client',
    summary: 'The cache is not being recorded.',
  },
  HW_RECORDING_BROKEN: {
    statusCode: 503,
    blame: 'backend',
    summary: 'The recording ended before it was told to.',
  },
  HW_TAPE_INVALID: {
    statusCode: 400,
    blame: 'client',
    summary: 'What is to be replayed is no whole tape of `headwater record`.',
  },
  HW_TAPE_FILE: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The file of a tape cannot be read or written.',
  },
  HW_REPLAY_UNREACHABLE: {
    statusCode: 503,
    blame: 'operator',
    summary: 'The origin that a tape is to be replayed to does not answer.',
  },
  HW_CLI_WAIT_OVER: {
    statusCode: 504,
    blame: 'client',
    summary: 'What was waited for did not happen in time.',
  },
  HW_CLI_USAGE: { statusCode: 400, blame: 'client', summary: 'The command line is not valid.' },
  HW_CLI_SERVER_UNREACHABLE: {
    statusCode: 503,
    blame: 'operator',
    summary: 'The admin API at the given URL does not answer.',
  },
  HW_ARCHIVE_INVALID: {
    statusCode: 400,
    blame: 'client',
    summary: 'What is to be imported is no whole archive of `headwater export`.',
  },
  HW_ARCHIVE_FILE: {
    statusCode: 500,
    blame: 'operator',
    summary: 'The file of an archive cannot be read or written.',
  },
  HW_PULL_FAILED: {
    statusCode: 502,
    blame: 'operator',
    summary: 'The source cannot be pulled, or the cache does not take what is pulled.',
  },
  HW_DEMO_FAILED: { statusCode: 500, blame: 'operator', summary: 'The demo cannot run.' },
  HW_INTERNAL: { statusCode: 500, blame: 'bug', summary: 'A fault of this program.' },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/** An error with a code from the table, a sentence for a person, and what is needed to act on it. */
export class HeadwaterError extends Error {
  override readonly name = 'HeadwaterError'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly blame: Blame
  /** Longer text: what to do. Never holds a credential. */
  readonly detail: string | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly detail?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.statusCode = ERROR_KINDS[code].statusCode
    this.blame = ERROR_KINDS[code].blame
    this.detail = options.detail
  }
}
