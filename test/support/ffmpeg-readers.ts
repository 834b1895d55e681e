/** Many ffmpeg readers beside each other, each on its own URL, and how far each has come. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { PlayerState } from './player-page.ts'

export interface FfmpegReaders {
  readonly states: () => ReadonlyMap<string, PlayerState>
  /** Ends them all, wherever they are. */
  close(): void
}

/** Each decodes at the speed of playback, shows it to nobody, and goes on until it is closed. */
export function startFfmpegReaders(
  urls: ReadonlyMap<string, string>,
  framesPerSecond: number,
): FfmpegReaders {
  const readers = [...urls].map(
    ([name, url]) => [name, new FfmpegReader(url, framesPerSecond)] as const,
  )
  return {
    states: () => new Map(readers.map(([name, reader]) => [name, reader.state()])),
    close: () => readers.forEach(([, reader]) => reader.close()),
  }
}

class FfmpegReader {
  readonly #child: ChildProcess
  readonly #framesPerSecond: number
  #playedSeconds = 0
  #stderr = ''

  constructor(url: string, framesPerSecond: number) {
    this.#framesPerSecond = framesPerSecond
    this.#child = spawn(process.env['E2E_FFMPEG'] ?? 'ffmpeg', [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning'],
      ...['-progress', 'pipe:1', '-re', '-i', url, '-f', 'null', '-'],
    ])
    this.#child.stdout?.on('data', (data: Buffer) => this.#note(data.toString()))
    this.#child.stderr?.on('data', (data: Buffer) => (this.#stderr += data.toString()))
    this.#child.once('error', (error) => (this.#stderr += error.message))
  }

  state(): PlayerState {
    const { exitCode } = this.#child
    const lines = this.#stderr.split('\n').filter((line) => line.trim() !== '')
    if (exitCode !== null) lines.push(`fatal exit ${exitCode}`)
    return {
      playedSeconds: this.#playedSeconds,
      height: 0,
      errors: lines,
    }
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  #note(progress: string): void {
    // Frames: its own clock goes on over what it has left out.
    const frames = [...progress.matchAll(/^frame=\s*(\d+)$/gm)].at(-1)?.[1]
    if (frames !== undefined) this.#playedSeconds = Number(frames) / this.#framesPerSecond
  }
}
