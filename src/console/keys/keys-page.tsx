/** Keys: the list, a new one, an import. For super-users. */

import { useConsole } from '../app/console-context.tsx'
import type { PageProps } from '../app/pages.ts'
import { routeHref } from '../app/route.ts'
import { Icon } from '../ui/icons.tsx'
import { Empty, PageHead } from '../ui/parts.tsx'
import { KeyList } from './key-list.tsx'
import { KeyWizard } from './key-wizard.tsx'

/** `#/keys`, `#/keys/new`, `#/keys/import`. */
export function KeysPage({ route }: PageProps) {
  const { session } = useConsole()
  const [part = ''] = route.rest
  if (!session.superUser) {
    return (
      <>
        <PageHead title="Keys" />
        <Empty title="Keys are for super-users" icon="keys">
          <p>
            The key you signed in with administers caches; making, listing and revoking keys needs a
            super-user key. Connect makes tokens of up to a day for your caches.
          </p>
          <a class="button" href={routeHref('connect')}>
            To Connect
          </a>
        </Empty>
      </>
    )
  }
  if (part === 'new' || part === 'import') {
    return (
      <>
        <div class="crumbs">
          <a href={routeHref('keys')}>
            <Icon name="back" />
            All keys
          </a>
        </div>
        <KeyWizard key={part} isImport={part === 'import'} />
      </>
    )
  }
  return <KeyList />
}
