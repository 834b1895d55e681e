/**
 * The console's pages, in the order of the navigation. A new page is a component and one line here;
 * CONTRIBUTING.md, "The console", has the rest.
 */

import type { FunctionComponent } from 'preact'
import { CachesPage } from '../caches/caches-page.tsx'
import { ChannelsPage } from '../channels/channels-page.tsx'
import { ConnectPage } from '../connect/connect-page.tsx'
import type { ServerInfo } from '../api/api-types.ts'
import { KeysPage } from '../keys/keys-page.tsx'
import { OverviewPage } from '../overview/overview-page.tsx'
import { RigPage } from '../rig/rig-page.tsx'
import type { IconName } from '../ui/icons.tsx'
import { WhyPage } from '../why/why-page.tsx'
import type { Route } from './route.ts'

export interface PageProps {
  /** What the address says behind the page's name. */
  readonly route: Route
}

export interface PageEntry {
  /** In the address: `#/<name>`. */
  readonly name: string
  /** In the navigation. */
  readonly title: string
  readonly icon: IconName
  readonly component: FunctionComponent<PageProps>
  /** Whether the navigation has it; always when absent. Its address works everywhere. */
  readonly isListed?: (server: ServerInfo) => boolean
}

export const PAGES: readonly PageEntry[] = [
  { name: 'overview', title: 'Overview', icon: 'overview', component: OverviewPage },
  { name: 'channels', title: 'Channels', icon: 'channels', component: ChannelsPage },
  { name: 'caches', title: 'Caches', icon: 'caches', component: CachesPage },
  { name: 'keys', title: 'Keys', icon: 'keys', component: KeysPage },
  { name: 'connect', title: 'Connect', icon: 'connect', component: ConnectPage },
  { name: 'why', title: 'Why?', icon: 'why', component: WhyPage },
  {
    name: 'rig',
    title: 'Test rig',
    icon: 'rig',
    component: RigPage,
    isListed: ({ rigEnabled }) => rigEnabled === true,
  },
]
