/**
 * Webhooks: tells others by HTTP what happens to channels and to refused writes. Chooses and sums up
 * events; delivery is `webhook-sender.ts`'s. Never in the way of a request.
 */

import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { formatItemKey, splitStoreKey } from '../base/names.ts'
import { toPlainText } from '../base/plain-text.ts'
import { redactText } from '../base/redact.ts'
import type {
  ChannelChange,
  OriginEvents,
  PlaylistFinding,
  WriteRefusal,
} from '../origin/events.ts'
import type { StoredItem } from '../storage/store.ts'
import { adviseOnRefusal, isSegmentName } from '../wire/refusal-advice.ts'
import { WebhookSender } from './webhook-sender.ts'
import type { WebhookStats } from './webhook-sender.ts'

/** One receiver. */
export interface WebhookTarget {
  readonly url: string
  readonly secret: string
  /** Which events; all of them when empty. */
  readonly events: readonly string[]
}

export interface WebhooksOptions {
  readonly targets: readonly WebhookTarget[]
  readonly events: OriginEvents
  readonly clock: Clock
  readonly log: Logger
  readonly publicUrl: () => string
}

/** From the first refused write or finding to the call that sums them up, and between two of those. */
export const WEBHOOK_SUM_UP_MS = 10_000
/** Causes told in one call; further ones are only counted. */
export const WEBHOOK_GROUPS_MAX = 50
/** 401s that may be half of a login. */
const CHALLENGES_MAX = 1000

interface RefusalGroup {
  readonly refusal: WriteRefusal
  count: number
  key: string
}

export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #senders: readonly { readonly target: WebhookTarget; readonly sender: WebhookSender }[]
  readonly #refusals = new Map<string, RefusalGroup>()
  #refusalCount = 0
  readonly #findings: PlaylistFinding[] = []
  #findingCount = 0
  /** 401s without a key, by item: dropped when the item is stored before they are told. */
  readonly #challenges = new Map<string, WriteRefusal>()
  #timer: Timer | undefined
  readonly #onRefused = (refusal: WriteRefusal) => this.#noteRefusal(refusal)
  readonly #onStored = (item: StoredItem) => this.#settle(item)
  readonly #onChannel = (change: ChannelChange) => this.#tellChannel(change)
  readonly #onFinding = (found: PlaylistFinding) => this.#noteFinding(found)

  /** Without targets it listens to nothing. */
  constructor(options: WebhooksOptions) {
    this.#options = options
    const { clock, log, events } = options
    this.#senders = options.targets.map((target) => ({
      target,
      sender: new WebhookSender({ url: target.url, secret: target.secret, clock, log }),
    }))
    if (this.#senders.length === 0) return
    events
      .on('channel-changed', this.#onChannel)
      .on('write-refused', this.#onRefused)
      .on('item-stored', this.#onStored)
      .on('finding', this.#onFinding)
  }

  /** In the order of the settings. */
  get stats(): readonly WebhookStats[] {
    return this.#senders.map(({ sender }) => sender.stats)
  }

  /** Tells what is still to be told, as far as a second goes. */
  async close(): Promise<void> {
    this.#options.events
      .off('channel-changed', this.#onChannel)
      .off('write-refused', this.#onRefused)
      .off('item-stored', this.#onStored)
      .off('finding', this.#onFinding)
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#sumUp()
    await Promise.all(this.#senders.map(({ sender }) => sender.close()))
  }

  #tellChannel(change: ChannelChange): void {
    const { cacheName, key, state, ...facts } = change
    // Milliseconds are what the clock knows; the rest is how floats are written.
    const lastWriteAgeSeconds = Math.round(change.lastWriteAgeSeconds * 1000) / 1000
    this.#send(state, { cache: cacheName, channel: shown(key), ...facts, lastWriteAgeSeconds })
  }

  #noteRefusal(refusal: WriteRefusal): void {
    this.#schedule()
    const item = `${refusal.cacheName}/${refusal.key}`
    const mayBeLogin = refusal.reason === 'credential-missing' && refusal.key !== ''
    const isRepeated = this.#challenges.has(item)
    if (mayBeLogin && !isRepeated && this.#challenges.size < CHALLENGES_MAX) {
      this.#challenges.set(item, refusal)
    } else {
      this.#addRefusal(refusal)
    }
  }

  #settle(item: StoredItem): void {
    if (this.#challenges.size === 0) return
    const { cacheName, key } = splitStoreKey(item.storeKey)
    this.#challenges.delete(`${cacheName}/${formatItemKey(key)}`)
  }

  #addRefusal(refusal: WriteRefusal): void {
    this.#refusalCount++
    const { reason, cacheName, clientAddress } = refusal
    const name = `${reason} ${cacheName} ${clientAddress}`
    const group = this.#refusals.get(name)
    if (group !== undefined) {
      group.count++
      group.key = refusal.key
    } else if (this.#refusals.size < WEBHOOK_GROUPS_MAX) {
      this.#refusals.set(name, { refusal, count: 1, key: refusal.key })
    }
  }

  #noteFinding(found: PlaylistFinding): void {
    this.#schedule()
    this.#findingCount++
    if (this.#findings.length < WEBHOOK_GROUPS_MAX) this.#findings.push(found)
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.setTimer(() => {
      this.#timer = undefined
      this.#sumUp()
    }, WEBHOOK_SUM_UP_MS)
  }

  #sumUp(): void {
    for (const refusal of this.#challenges.values()) this.#addRefusal(refusal)
    this.#challenges.clear()
    if (this.#refusalCount > 0) {
      const causes = [...this.#refusals.values()].map((group) => this.#causeOf(group))
      this.#send('write-refused', { count: this.#refusalCount, causes })
      this.#refusalCount = 0
      this.#refusals.clear()
    }
    if (this.#findingCount > 0) {
      const findings = this.#findings.map(({ cacheName, key, finding }) => {
        const { rule, severity, message } = finding
        const told = { rule, severity, message: redactText(message) }
        return { cache: cacheName, key: shown(formatItemKey(key)), ...told }
      })
      this.#send('finding', { count: this.#findingCount, findings })
      this.#findingCount = 0
      this.#findings.length = 0
    }
  }

  #causeOf({ refusal, count, key }: RefusalGroup): Readonly<Record<string, unknown>> {
    const { reason, statusCode, cacheName, clientAddress, userAgent } = refusal
    const words = adviseOnRefusal(
      { ...refusal, key, isRead: false, onlySegments: isSegmentName(key) },
      this.#options.publicUrl(),
    )
    return {
      ...{ count, reason, statusCode, clientAddress, ...words },
      cache: shown(cacheName),
      key: shown(key),
      userAgent: shown(userAgent),
    }
  }

  #send(type: string, data: Readonly<Record<string, unknown>>): void {
    for (const { target, sender } of this.#senders) {
      if (target.events.length > 0 && !target.events.includes(type)) continue
      sender.send({ type, data: { origin: this.#options.publicUrl(), ...data } })
    }
  }
}

function shown(text: string): string {
  return toPlainText(redactText(text), 300)
}
