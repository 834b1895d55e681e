/** The overview: what the origin does now, and did in the last hour. */

import { PageHead } from '../ui/parts.tsx'

export function OverviewPage() {
  return <PageHead title="Overview" />
}
