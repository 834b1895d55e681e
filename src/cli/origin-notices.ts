/** Notices of the running origin as lines for a terminal, or as records of the log. */

import { wrapText } from '../config/settings-help.ts'
import type { Logger } from '../base/log.ts'
import { formatItemKey } from '../base/names.ts'
import { formatIsoTime } from '../base/dates.ts'
import { toPlainText } from '../base/plain-text.ts'
import { redactText } from '../base/redact.ts'
import type { ChannelChange, ClockChange, FaultsChange } from '../origin/events.ts'
import type { Painter } from './banner.ts'
import type { OriginNotice } from './origin-reporter.ts'
import { encoderName } from '../wire/refusal-advice.ts'
import { explainRefusals, explainRemovedTokens } from './refusal-words.ts'
import type { RefusalNotice } from './refusal-words.ts'

export interface NoticeStyle {
  readonly publicUrl: string
  readonly paint: Painter
  /** `12:03:04` */
  readonly time: string
  /** Width of the terminal; sentences are wrapped, commands are not. */
  readonly columns: number
}

const LABEL_CHARS = 9

/** Ends with a line break. */
export function formatNotice(
  notice: OriginNotice,
  { publicUrl, paint, time, columns }: NoticeStyle,
): string {
  const line = (label: string, text: string) =>
    `${paint.dim(time)}  ${label}${' '.repeat(Math.max(1, LABEL_CHARS - visibleLength(label)))}${text}\n`
  switch (notice.kind) {
    case 'channel':
      return line(channelLabel(notice.change, paint), channelText(notice.change))
    case 'cache-created':
      return line('cache', `${notice.cacheName} was made`)
    case 'faults':
      return line(paint.yellow('fault'), faultText(notice.change))
    case 'clock':
      return line(paint.yellow('clock'), clockText(notice.change))
    case 'refused-more':
      return line(
        paint.yellow('warning'),
        `${notice.count} more uploads refused, for other reasons or from other clients`,
      )
    case 'tokens-removed':
    case 'refused': {
      const { headline, why, commands } =
        notice.kind === 'refused'
          ? explainRefusals(notice.summary, publicUrl)
          : explainRemovedTokens(notice.removal)
      const indent = ' '.repeat(time.length + 2 + LABEL_CHARS)
      const sentences = wrapText(why, Math.max(40, columns - indent.length))
      return (
        line(paint.yellow('warning'), paint.bold(headline)) +
        sentences.map((sentence) => `${indent}${sentence}\n`).join('') +
        commands.map((command) => `${indent}  ${command}\n`).join('')
      )
    }
  }
}

/** Constant messages, everything else in fields; no credential is in a notice. */
export function logNotice(log: Logger, notice: OriginNotice, publicUrl: string): void {
  switch (notice.kind) {
    case 'channel': {
      const { change } = notice
      const message = {
        live: 'channel live',
        stale: 'channel stale',
        ended: 'channel ended',
        broken: 'channel broken',
      }
      // Milliseconds are what the clock knows; the rest is how floats are written.
      const lastWriteAgeSeconds = Math.round(change.lastWriteAgeSeconds * 1000) / 1000
      const fields = { ...change, lastWriteAgeSeconds }
      const isBad = change.state === 'stale' || change.state === 'broken'
      log[isBad ? 'warn' : 'info'](fields, message[change.state])
      return
    }
    case 'cache-created':
      log.info({ cacheName: notice.cacheName }, 'cache created')
      return
    case 'faults':
      log.warn({ ...notice.change }, 'faults changed')
      return
    case 'clock': {
      const { nowMs, machineNowMs, rate } = notice.change
      const aheadSeconds = (nowMs - machineNowMs) / 1000
      log.warn({ now: formatIsoTime(nowMs), aheadSeconds, rate }, 'clock changed')
      return
    }
    case 'refused-more':
      log.warn({ count: notice.count }, 'more writes refused')
      return
    case 'tokens-removed': {
      const { cacheName, key, tokenCount } = notice.removal
      const advice = adviceOf(explainRemovedTokens(notice.removal))
      log.warn(
        { cacheName, key: redactText(formatItemKey(key)), tokenCount, advice },
        'keys removed from a playlist',
      )
      return
    }
    case 'refused': {
      const { summary } = notice
      const { reason, statusCode, count, cacheName, clientAddress } = summary
      const client = encoderName(summary.userAgent)
      const advice = adviceOf(explainRefusals(summary, publicUrl))
      log.warn(
        { reason, statusCode, count, cacheName, clientAddress, client, advice },
        'writes refused',
      )
    }
  }
}

function adviceOf({ headline, why, commands }: RefusalNotice): string {
  return [`${headline}: ${why}`, ...commands].join('\n')
}

function channelLabel({ state }: ChannelChange, paint: Painter): string {
  return { live: paint.green, stale: paint.red, broken: paint.red, ended: paint.dim }[state](state)
}

function channelText(change: ChannelChange): string {
  const name = `${change.cacheName}/${toPlainText(change.key, 200)}`
  switch (change.state) {
    case 'live': {
      const renditions =
        change.renditionCount === 1 ? '1 rendition' : `${change.renditionCount} renditions`
      return `${name}  (${renditions}, target duration ${change.targetDurationSeconds} s)`
    }
    case 'stale':
      return `${name}  no new playlist for ${Math.round(change.lastWriteAgeSeconds)} s: does the encoder still run?`
    case 'broken':
      return `${name}  ${toPlainText(change.detail, 300)}`
    case 'ended':
      return `${name}  its playlists end with EXT-X-ENDLIST`
  }
}

function faultText({ kind, faultId, action, limitSeconds, activeCount }: FaultsChange): string {
  const left = activeCount === 0 ? 'none is on' : `${activeCount} on: headwater fault list`
  if (kind === 'cleared') return 'all faults are cleared'
  if (kind === 'deleted') return `${faultId} is deleted (${left})`
  if (kind === 'lapsed') {
    return `${faultId} (${String(action)}) has ended by its limit of ${Math.round(limitSeconds)} s (${left})`
  }
  return `${faultId} (${String(action)}) is on for ${Math.round(limitSeconds)} s (${left})`
}

function clockText({ nowMs, machineNowMs, rate }: ClockChange): string {
  const aheadSeconds = Math.round((nowMs - machineNowMs) / 1000)
  const pace = rate === 0 ? 'and stands' : `at rate ${rate}`
  return `it is ${formatIsoTime(nowMs)} for the origin, ${aheadSeconds} s ahead of the machine, ${pace}`
}

function visibleLength(text: string): number {
  return text.replace(/\u001b\[[0-9;]*m/g, '').length
}
