/** Metrics of what the origin tells others: the access log and webhooks. */

import { counter, gauge } from '../scalar-family.ts'
import type { MeasuredWebhook, Scrape } from '../sources.ts'
import type { Family } from '../text.ts'

export const TELLING_FAMILIES: readonly Family<Scrape>[] = [
  counter('headwater_access_log_lines_total', 'Lines for the access log.', {
    read: ({ accessLog }) => accessLog?.lineCount ?? 0,
  }),
  counter('headwater_access_log_dropped_total', 'Lines for which there was no room.', {
    advice: 'The disk is slower than what is logged.',
    read: ({ accessLog }) => accessLog?.droppedCount ?? 0,
  }),
  counter('headwater_access_log_errors_total', 'Writes of the access log that failed.', {
    read: ({ accessLog }) => accessLog?.errorCount ?? 0,
  }),
  gauge('headwater_webhook_events_queued', 'Events that wait for a webhook.', {
    read: sumOf(({ queuedCount }) => queuedCount),
  }),
  counter('headwater_webhook_events_delivered_total', 'Events that a webhook took.', {
    read: sumOf(({ deliveredCount }) => deliveredCount),
  }),
  counter('headwater_webhook_attempts_failed_total', 'Calls of webhooks that failed.', {
    advice: 'Each is tried again for a while.',
    read: sumOf(({ failedAttemptCount }) => failedAttemptCount),
  }),
  counter('headwater_webhook_events_dropped_total', 'Events that no webhook took in time.', {
    advice: 'Dead letters: given up after the last attempt, or for want of room.',
    read: sumOf(({ deadLetterCount }) => deadLetterCount),
  }),
]

/** All webhooks together: which one it is, the log says. */
function sumOf(read: (webhook: MeasuredWebhook) => number): (scrape: Scrape) => number {
  return ({ webhooks }) => webhooks().reduce((sum, webhook) => sum + read(webhook), 0)
}
