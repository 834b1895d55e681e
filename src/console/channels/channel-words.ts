/** Channels in words: states, tones, names of renditions. Pure. */

import type { ChannelView, RenditionView } from '../api/api-types.ts'
import { countOf } from '../ui/format-figures.ts'
import type { Tone } from '../ui/tone.ts'

type State = RenditionView['state']

export const STATE_TONES: Readonly<Record<State, Tone>> = {
  live: 'good',
  stale: 'wait',
  broken: 'bad',
  ended: 'quiet',
  waiting: 'info',
}

export const STATE_WORDS: Readonly<Record<State, string>> = {
  live: 'Live',
  stale: 'Stale',
  broken: 'Broken',
  ended: 'Ended',
  waiting: 'Waiting',
}

/** What a state means, for a person who meets it the first time. */
export const STATE_MEANINGS: Readonly<Record<State, string>> = {
  live: 'Written in time.',
  stale: 'Nothing was written for too long: the encoder stopped or cannot reach the origin.',
  broken: 'Written, but what its playlists name cannot be had: players stall.',
  ended: 'The encoder closed it (EXT-X-ENDLIST).',
  waiting: 'Named by the multivariant playlist, never written.',
}

/** Most urgent first; equal ones as they came. */
export function byUrgency(channels: readonly ChannelView[]): readonly ChannelView[] {
  const order: readonly State[] = ['broken', 'stale', 'live', 'ended']
  return [...channels].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

export function countByState(
  channels: readonly ChannelView[],
): readonly { readonly state: ChannelView['state']; readonly count: number }[] {
  const states = ['live', 'stale', 'broken', 'ended'] as const
  return states.map((state) => ({
    state,
    count: channels.filter((channel) => channel.state === state).length,
  }))
}

/** `720p, 2.5 Mbit/s`, `English (audio)`; the key's last part when nothing else is known. */
export function renditionTitle(rendition: RenditionView): string {
  const { role, heightPixels, bandwidthBitsPerSecond, name, key } = rendition
  const parts: string[] = []
  if (heightPixels !== null) parts.push(`${heightPixels}p`)
  if (bandwidthBitsPerSecond !== null) {
    parts.push(
      bandwidthBitsPerSecond < 1_000_000
        ? `${Math.round(bandwidthBitsPerSecond / 1000)} kbit/s`
        : `${(bandwidthBitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`,
    )
  }
  if (name !== null && name !== '') parts.push(name)
  if (role === 'i-frames') parts.push('I-frames')
  return parts.length > 0 ? parts.join(', ') : (key.split('/').at(-1) ?? key)
}

/** `3 variants, 1 rendition`; a channel of one media playlist is that. */
export function renditionCounts(renditions: readonly RenditionView[]): string {
  const count = (role: RenditionView['role']) =>
    renditions.filter((rendition) => rendition.role === role).length
  if (count('alone') > 0) return 'one media playlist'
  const parts: [count: number, noun: string][] = [
    [count('variant'), 'variant'],
    [count('rendition'), 'rendition'],
    [count('i-frames'), 'I-frame playlist'],
  ]
  const shown = parts.filter(([found]) => found > 0).map(([found, noun]) => countOf(found, noun))
  return shown.length > 0 ? shown.join(', ') : 'none named'
}
