/** Metrics of a test rig: faults. */

import { FAULT_ACTION_NAMES } from '../../rig/fault-schema.ts'
import { gauge } from '../scalar-family.ts'
import type { Scrape } from '../sources.ts'
import type { Family } from '../text.ts'

export const RIG_FAMILIES: readonly Family<Scrape>[] = [
  {
    name: 'headwater_faults_total',
    help: 'Requests that a fault of the test rig was done to, by action.',
    advice: 'Of scenarios, too. Not there without `rig.enabled`.',
    type: 'counter',
    labels: { action: FAULT_ACTION_NAMES },
    read: ({ faults }) =>
      faults === undefined
        ? []
        : FAULT_ACTION_NAMES.map((action) => ({
            labels: { action },
            value: faults.counts[action],
          })),
  },
  gauge('headwater_faults_active', 'Faults for everybody that are on.', {
    advice: '**Alert on it** where people watch: it has to be 0.',
    read: ({ faults }) => faults?.everybody.list().length ?? 0,
  }),
]
