/** Which cache answers, as its headers betray it, so that advice can name the setting to change. */

import type { Answer } from './answer.ts'

export type Cdn =
  | 'cloudfront'
  | 'varnish'
  | 'nginx'
  | 'other' // a cache that does not say its name
  | 'none' // no sign of one

export const CDN_NAMES: Readonly<Record<Cdn, string>> = {
  cloudfront: 'CloudFront',
  varnish: 'Varnish',
  nginx: 'nginx',
  other: 'a cache',
  none: 'no cache seen',
}

/** From all answers so far: one of them is enough, since a cache need not mark each. */
export function detectCdn(answers: readonly Answer[]): Cdn {
  for (const { headers } of answers) {
    const words = `${headers['via'] ?? ''} ${headers['x-cache'] ?? ''}`
    if (headers['x-amz-cf-id'] !== undefined || /cloudfront/i.test(words)) return 'cloudfront'
  }
  for (const { headers } of answers) {
    if (headers['x-varnish'] !== undefined || /varnish/i.test(headers['via'] ?? '')) {
      return 'varnish'
    }
  }
  if (answers.some(({ headers }) => /^(?:nginx|openresty)/i.test(headers['server'] ?? ''))) {
    return 'nginx'
  }
  const signs = ['age', 'via', 'x-cache', 'x-cache-status', 'cf-cache-status', 'x-served-by']
  return answers.some(({ headers }) => signs.some((name) => headers[name] !== undefined))
    ? 'other'
    : 'none'
}

/** Advice for each; `other` also serves where there is none for the one seen. */
export interface Advice {
  readonly cloudfront?: string
  readonly varnish?: string
  readonly nginx?: string
  readonly other: string
}

export function adviceFor(cdn: Cdn, advice: Advice): string {
  if (cdn === 'none' || cdn === 'other') return advice.other
  return advice[cdn] ?? advice.other
}
