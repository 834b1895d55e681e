/** The frame of every page: navigation, who is signed in, whether the server answers. */

import { useEffect, useErrorBoundary, useMemo, useRef, useState } from 'preact/hooks'
import { UnreachableError } from '../api/api-error.ts'
import type { ServerInfo } from '../api/api-types.ts'
import type { Session } from '../api/session.ts'
import { Icon } from '../ui/icons.tsx'
import { FaultNotice } from '../rig/fault-notice.tsx'
import { countOf } from '../ui/format-figures.ts'
import { Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { ConsoleProvider } from './console-context.tsx'
import type { Console } from './console-context.tsx'
import type { AppParts } from './open-app.ts'
import { PAGES } from './pages.ts'
import { parseRoute, routeHref } from './route.ts'
import type { Route } from './route.ts'
import { BrandMark } from './sign-in.tsx'
import { ThemeButton } from './theme-button.tsx'
import { useStore } from './use-store.ts'

export interface ShellProps {
  readonly parts: AppParts
  readonly session: Session
}

export function Shell({ parts, session }: ShellProps) {
  const route = useRoute()
  const { server, clockOffsetMs, error } = useServer(parts)
  const signOut = () => {
    // Ignored: a session that the server has forgotten is over, too.
    void parts.api.request('/api/sign-out', { method: 'POST' }).catch(() => undefined)
    parts.setSession(undefined, 'You are signed out.')
  }
  const value = useMemo<Console | undefined>(
    () =>
      server === undefined ? undefined : { ...parts, session, server, clockOffsetMs, signOut },
    [parts, session, server, clockOffsetMs],
  )
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the page
      </a>
      <header class="rail">
        <a class="brand" href={routeHref('overview')}>
          <BrandMark />
          Headwater
        </a>
        <Navigation current={route.page} server={server} />
        <div class="rail-foot">
          <LiveSign parts={parts} />
          <p class="quiet who">
            {whoIs(session)}
            {server !== undefined && <span> · {server.version}</span>}
          </p>
          <ThemeButton />
          <button type="button" class="bare" onClick={signOut}>
            <Icon name="sign-out" />
            <span>Sign out</span>
          </button>
        </div>
      </header>
      <main id="main" class="page" tabIndex={-1}>
        <ConnectionBanner connection={parts.connection} />
        <UpdateBanner version={server?.version} />
        <ErrorBanner error={error} />
        {value === undefined ? (
          error === undefined && <Loading what="the console" />
        ) : (
          <ConsoleProvider value={value}>
            <FaultNotice />
            <Page key={route.page} route={route} />
          </ConsoleProvider>
        )}
      </main>
    </div>
  )
}

function Navigation(props: { readonly current: string; readonly server: ServerInfo | undefined }) {
  const { current, server } = props
  const listed = PAGES.filter(
    ({ isListed }) => isListed === undefined || (server !== undefined && isListed(server)),
  )
  return (
    <nav class="nav" aria-label="Console">
      <ul>
        {listed.map((page) => (
          <li key={page.name}>
            <a
              href={routeHref(page.name)}
              aria-current={page.name === current ? 'page' : undefined}
            >
              <Icon name={page.icon} />
              <span>{page.title}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** A page that fails takes neither the navigation nor the other pages with it. */
function Page({ route }: { readonly route: Route }) {
  // preact types what was thrown as any.
  const [error] = useErrorBoundary() as readonly [unknown, () => void]
  const page = PAGES.find(({ name }) => name === route.page)
  if (error !== undefined) {
    return (
      <>
        <PageHead title="This page has failed" />
        <ErrorBanner error={error} onRetry={() => location.reload()} />
      </>
    )
  }
  if (page === undefined) {
    return (
      <>
        <PageHead title="No such page" />
        <Empty title={`The console has no page “${route.page}”.`}>
          <a href={routeHref('overview')}>To the overview</a>
        </Empty>
      </>
    )
  }
  return <page.component route={route} />
}

/** This page's code is that of the server it came from. */
function UpdateBanner({ version }: { readonly version: string | undefined }) {
  const first = useRef(version)
  first.current ??= version
  if (first.current === version) return null
  return (
    <div class="banner" role="status">
      <p>
        The server runs version {version} now; this page is of {first.current}.
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load the page anew
      </button>
    </div>
  )
}

/** Whether what is shown moves by itself. */
function LiveSign({ parts }: { readonly parts: AppParts }) {
  const [isLive, setIsLive] = useState(false)
  useEffect(() => {
    const ends = [
      parts.events.on('connected', () => setIsLive(true)),
      parts.events.on('disconnected', () => setIsLive(false)),
    ]
    return () => ends.forEach((end) => end())
  }, [parts])
  const connection = useStore(parts.connection, () => parts.connection.state)
  const isOnline = connection.kind === 'online'
  const words = !isOnline ? 'Offline' : isLive ? 'Live' : 'Connecting'
  const tone = !isOnline ? 'bad' : isLive ? 'good' : 'wait'
  return <p class={`live-sign tone-${tone}`}>{words}</p>
}

function whoIs(session: Session): string {
  if (session.superUser) return 'Super-user'
  if (session.adminCaches === '*') return 'Admin of all caches'
  return `Admin of ${countOf(session.adminCaches.length, 'cache')}`
}

/** The address as a route; without one, the overview. */
function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const update = () => {
      // The skip link's target is on the page, not a page.
      if (location.hash !== '#main') setRoute(parseRoute(location.hash))
    }
    window.addEventListener('hashchange', update)
    return () => window.removeEventListener('hashchange', update)
  }, [])
  return route.page === '' ? { ...route, page: 'overview' } : route
}

interface LoadedServer {
  readonly server: ServerInfo | undefined
  readonly clockOffsetMs: number
  readonly error: unknown
}

function useServer(parts: AppParts): LoadedServer {
  const [loaded, setLoaded] = useState<LoadedServer>({
    server: undefined,
    clockOffsetMs: 0,
    error: undefined,
  })
  useEffect(() => {
    const load = async () => {
      try {
        const server = await parts.api.request<ServerInfo>('/api/server')
        const serverNowMs = Date.parse(server.now ?? '')
        const clockOffsetMs = Number.isNaN(serverNowMs) ? 0 : serverNowMs - Date.now()
        setLoaded({ server, clockOffsetMs, error: undefined })
      } catch (failure) {
        // The connection's banner says it, and loads again.
        const error = failure instanceof UnreachableError ? undefined : failure
        setLoaded((before) => ({ ...before, error }))
      }
    }
    void load()
    // After a restart it may be another version, at another address.
    return parts.connection.subscribe(() => {
      if (parts.connection.state.kind === 'online') void load()
    })
  }, [parts])
  return loaded
}

function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}
