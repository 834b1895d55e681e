/**
 * The origin's image in tests that use Testcontainers, in the shape of `startHeadwater` (`app.ts`): for
 * who would rather test what is deployed, or whose encoder runs in a container of its own. Needs the
 * package `testcontainers` beside this one, and a Docker engine.
 */

import { AbstractStartedContainer, GenericContainer, Wait } from 'testcontainers'
import type { StartedTestContainer } from 'testcontainers'
import { FIRST_KEY_FILES } from './auth/first-keys.ts'
import type { FirstKeys } from './auth/first-keys.ts'
import type { GrantRequest } from './auth/key-request.ts'
import type { KeyInfo } from './auth/key-service.ts'
import { AdminClient } from './cli/admin-client.ts'
import type { CacheSettings, PartialConfig } from './config/schema.ts'

const DATA_PLANE_PORT = 8080
const ADMIN_PORT = 8081
/** Of the image (Dockerfile). */
const DATA_DIR = '/var/lib/headwater'
const SETTINGS_FILE = '/etc/headwater/headwater.config.json'

/**
 * @example
 * await using origin = await new HeadwaterContainer('headwater').withSettings({ profile: 'rig' }).start()
 * await fetch(`${origin.dataPlaneUrl}/cache/live-origin/a.ts?ttl_seconds=60`, {
 *   method: 'PUT', headers: { authorization: origin.keys.encoder }, body: 'bytes',
 * })
 */
export class HeadwaterContainer extends GenericContainer {
  /** @param image  As it was built or is pulled: `docker build -t headwater .` */
  constructor(image = 'headwater') {
    super(image)
    this.withExposedPorts(DATA_PLANE_PORT, ADMIN_PORT)
    this.withWaitStrategy(Wait.forHttp('/health/ready', DATA_PLANE_PORT).forStatusCode(200))
  }

  /**
   * Any settings but ports and the data directory; the last call counts. They become the container's
   * settings file; the environment (`withEnvironment`) wins over it.
   */
  withSettings(settings: PartialConfig): this {
    const others = this.contentsToCopy.filter((content) => content.target !== SETTINGS_FILE)
    const content = JSON.stringify(settings)
    this.contentsToCopy = [...others, { content, target: SETTINGS_FILE, mode: 0o644 }]
    return this
  }

  /** @throws Error of Testcontainers when there is no engine or image, or it is not ready in time. */
  override async start(): Promise<StartedHeadwaterContainer> {
    const started = await super.start()
    try {
      const [superUser, encoder, player] = await Promise.all([
        readKey(started, FIRST_KEY_FILES.superUser),
        readKey(started, FIRST_KEY_FILES.encoder),
        readKey(started, FIRST_KEY_FILES.player),
      ])
      return new StartedHeadwaterContainer(started, { superUser, encoder, player })
    } catch (error) {
      await started.stop()
      throw error
    }
  }
}

/** A running container; what {@link Headwater} of `app.ts` has, where a container can have it. */
export class StartedHeadwaterContainer extends AbstractStartedContainer {
  /** API keys of the first start; encoder and player are for the cache `live-origin`. */
  readonly keys: FirstKeys

  /** Made by {@link HeadwaterContainer.start}. */
  constructor(started: StartedTestContainer, keys: FirstKeys) {
    super(started)
    this.keys = keys
  }

  /** How this machine reaches the data plane, no trailing slash. Another one after a restart. */
  get dataPlaneUrl(): string {
    return `http://${this.getHost()}:${String(this.getMappedPort(DATA_PLANE_PORT))}`
  }

  get adminUrl(): string {
    return `http://${this.getHost()}:${String(this.getMappedPort(ADMIN_PORT))}`
  }

  /** @throws HeadwaterError `HW_KEY_INVALID`, `HW_KEY_EXISTS`. */
  async mintKey(request: GrantRequest): Promise<KeyInfo & { readonly keyId: string }> {
    const { key, keyInfo } = await this.#admin().createKey(request)
    return { ...keyInfo, keyId: key.keyId }
  }

  /** @throws HeadwaterError `HW_KEY_NOT_FOUND`. */
  async revokeKey(keyId: string): Promise<void> {
    await this.#admin().revokeKey(keyId)
  }

  /** @throws HeadwaterError `HW_CACHE_INVALID`, `HW_CACHE_EXISTS`. */
  async createCache(name: string, settings: Partial<CacheSettings> = {}): Promise<void> {
    await this.#admin().createCache(name, settings)
  }

  /** The same as `stop()`, by the name it has where the origin is in the process. */
  async close(): Promise<void> {
    await this.stop()
  }

  #admin(): AdminClient {
    return new AdminClient({ adminUrl: this.adminUrl, key: this.keys.superUser })
  }
}

async function readKey(started: StartedTestContainer, fileName: string): Promise<string> {
  const { exitCode, stdout } = await started.exec(['cat', `${DATA_DIR}/${fileName}`])
  const info: unknown = exitCode === 0 ? JSON.parse(stdout) : undefined
  if (typeof info === 'object' && info !== null && 'apiKey' in info) return String(info.apiKey)
  throw new Error(`The image has no ${DATA_DIR}/${fileName}: is it one of Headwater?`)
}
