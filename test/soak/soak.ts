/**
 * One soak: starts the encoders and the readers, kills and restarts the encoders in the middle, and
 * gives back what was measured. Judges nothing.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import type { Running } from '../support/ffmpeg.ts'
import { closeIdleConnections, http } from '../support/http.ts'
import type { OriginChild } from './origin-child.ts'
import { CHANNELS, SEGMENT_SECONDS } from './plan.ts'
import type { Channel } from './plan.ts'
import { Reader } from './reader.ts'
import type { Gap, Measured, NamedReader, TimedFigures } from './verdict.ts'

/** Longer than the stale guard waits: three target durations. */
const DEAD_SECONDS = 10
const SAMPLE_SECONDS = 2
const PROBE_SECONDS = 20
const READERS_PER_PLAYLIST = 2

interface Keys {
  readonly encoder: string
  readonly player: string
}

export class Soak {
  readonly #origin: OriginChild
  readonly #seconds: number
  readonly #startedMs = performance.now()
  readonly #samples: TimedFigures[] = []
  readonly #probeFailures: string[] = []
  #probeCount = 0
  #gap: Gap = { fromSeconds: Infinity, toSeconds: Infinity }
  #isOver = false
  #encoders: readonly { readonly channel: Channel; readonly running: Running }[] = []

  constructor(origin: OriginChild, seconds: number) {
    this.#origin = origin
    this.#seconds = seconds
  }

  async run(): Promise<Measured> {
    const keys = await this.#openCaches()
    process.once('exit', () => this.#kill())
    await this.#startEncoders(keys, this.#seconds)
    const readers = this.#openReaders(keys)
    const work = [...readers.map(({ reader }) => reader.run()), this.#sample(), this.#probe(keys)]

    await this.#until(this.#seconds / 2)
    await this.#restart(keys)
    const finished = await Promise.all(
      this.#encoders.map(async ({ channel, running }) => {
        return [channel.name, (await running.finished).exitCode] as const
      }),
    )
    this.#isOver = true
    for (const { reader } of readers) reader.stop()
    await Promise.all(work)
    const last = await this.#origin.figures()
    closeIdleConnections()
    return {
      samples: this.#samples,
      gap: this.#gap,
      readers,
      probeFailures: this.#probeFailures,
      probeCount: this.#probeCount,
      encoderExitCodes: Object.fromEntries(finished),
      originExitCode: await this.#origin.stop(),
      last,
    }
  }

  async #openCaches(): Promise<ReadonlyMap<Channel, Keys>> {
    const keys = new Map<Channel, Keys>()
    for (const channel of CHANNELS) {
      const settings = channel.isGuarded ? { staleAfterTargetDurations: 3 } : {}
      keys.set(
        channel,
        channel.cacheName === 'live-origin'
          ? { encoder: await this.#origin.key('encoder'), player: await this.#origin.key('player') }
          : await this.#origin.openCache(channel.cacheName, settings),
      )
    }
    return keys
  }

  /** Starts all and waits until each playlist has new segments of this run. */
  async #startEncoders(keys: ReadonlyMap<Channel, Keys>, untilSeconds: number): Promise<void> {
    const before = await this.#playlists(keys)
    this.#encoders = CHANNELS.map((channel) => {
      const seconds = Math.ceil(untilSeconds - this.#nowSeconds())
      const { dataPlaneUrl } = this.#origin
      const apiKey = keys.get(channel)?.encoder ?? ''
      return { channel, running: startFfmpeg(channel.encoder({ dataPlaneUrl, apiKey, seconds })) }
    })
    for (;;) {
      const now = await this.#playlists(keys)
      const isAll = [...now].every(([url, text]) => text !== '' && text !== before.get(url))
      if (isAll) return
      const dead = this.#encoders.find(({ running }) => running.process.exitCode !== null)
      if (dead !== undefined) {
        throw new Error(`${dead.channel.name}: ${(await dead.running.finished).stderr}`)
      }
      await sleep(20)
    }
  }

  /** Media playlists as their encoders wrote them; '' for one that is not there. */
  async #playlists(keys: ReadonlyMap<Channel, Keys>): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>()
    for (const channel of CHANNELS) {
      const headers = { authorization: keys.get(channel)?.player ?? '' }
      for (const key of channel.mediaPlaylists) {
        const url = `${this.#origin.dataPlaneUrl}/cache/${channel.cacheName}/${key}`
        const { status, text } = await http(url, { headers })
        texts.set(url, status === 200 ? text : '')
      }
    }
    return texts
  }

  async #restart(keys: ReadonlyMap<Channel, Keys>): Promise<void> {
    this.#gap = { fromSeconds: this.#nowSeconds(), toSeconds: Infinity }
    this.#kill()
    await Promise.all(this.#encoders.map(({ running }) => running.finished))
    await sleep(DEAD_SECONDS * 1000)
    await this.#startEncoders(keys, this.#seconds)
    // One more round, so that every reader has seen the new run while it was explained.
    await sleep(SEGMENT_SECONDS * 1000)
    this.#gap = { ...this.#gap, toSeconds: this.#nowSeconds() }
  }

  #openReaders(keys: ReadonlyMap<Channel, Keys>): (NamedReader & { readonly reader: Reader })[] {
    const isGap = () =>
      this.#nowSeconds() >= this.#gap.fromSeconds && this.#nowSeconds() < this.#gap.toSeconds
    return CHANNELS.flatMap((channel) =>
      channel.mediaPlaylists.flatMap((key) =>
        Array.from({ length: READERS_PER_PLAYLIST }, (_, index) => {
          const keyIn = index % 2 === 0 ? 'query' : 'header'
          const reader = new Reader({
            playlistUrl: `${this.#origin.dataPlaneUrl}/cache/${channel.cacheName}/${key}`,
            ...{ apiKey: keys.get(channel)?.player ?? '', keyIn, isGap },
            pollMs: (SEGMENT_SECONDS * 1000) / 2,
          })
          const name = `${channel.name} ${key}, key in ${keyIn}`
          return { name, isGuarded: channel.isGuarded, counts: reader.counts, reader }
        }),
      ),
    )
  }

  async #sample(): Promise<void> {
    while (!this.#isOver) {
      this.#samples.push({ ...(await this.#origin.figures()), atSeconds: this.#nowSeconds() })
      await sleep(SAMPLE_SECONDS * 1000)
    }
  }

  /** One channel after the other, and never between the encoders. */
  async #probe(keys: ReadonlyMap<Channel, Keys>): Promise<void> {
    let dueSeconds = PROBE_SECONDS / 2
    for (let round = 0; !this.#isOver; await sleep(20)) {
      const nowSeconds = this.#nowSeconds()
      const isSafe = nowSeconds < this.#seconds / 2 - 5 || nowSeconds > this.#gap.toSeconds
      if (nowSeconds < dueSeconds || !isSafe || nowSeconds > this.#seconds - 5) continue
      const channel = CHANNELS[round++ % CHANNELS.length]
      if (channel === undefined) return
      dueSeconds = nowSeconds + PROBE_SECONDS
      const url = `${this.#origin.dataPlaneUrl}/cache/${channel.cacheName}/${channel.entry}`
      try {
        const streams = await probeStreams(`${url}?token=${keys.get(channel)?.player ?? ''}`)
        const codecs = new Set(streams.map(({ codec_name }) => codec_name))
        if (!codecs.has('h264') || !codecs.has('aac')) throw new Error([...codecs].join())
        this.#probeCount++
      } catch (error) {
        this.#probeFailures.push(`${channel.name} at ${Math.round(nowSeconds)} s: ${String(error)}`)
      }
    }
  }

  #kill(): void {
    for (const { running } of this.#encoders) running.process.kill('SIGKILL')
  }

  async #until(seconds: number): Promise<void> {
    await sleep(Math.max(0, seconds - this.#nowSeconds()) * 1000)
    const dead = this.#encoders.find(({ running }) => running.process.exitCode !== null)
    if (dead === undefined) return
    throw new Error(`${dead.channel.name} ended early: ${(await dead.running.finished).stderr}`)
  }

  #nowSeconds(): number {
    return (performance.now() - this.#startedMs) / 1000
  }
}
