/** The channels: what encoders write, each with its state. */

import type { PageProps } from '../app/pages.ts'
import { PageHead } from '../ui/parts.tsx'

export function ChannelsPage({ route }: PageProps) {
  return <PageHead title={route.rest.length > 0 ? route.rest.join('/') : 'Channels'} />
}
