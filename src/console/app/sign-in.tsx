/**
 * Signing in: by a key, which is exchanged for a session and forgotten, or by the single-use link
 * that the server printed, whose token leaves the address bar at once.
 */

import { useEffect, useRef, useState } from 'preact/hooks'
import { SIGN_IN_PATH } from '../api/api-client.ts'
import { parseSession, parseSignInFragment } from '../api/session.ts'
import { TextField } from '../ui/field.tsx'
import { ErrorBanner, Loading } from '../ui/parts.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import type { AppParts } from './open-app.ts'
import { ThemeButton } from './theme-button.tsx'
import { useAction } from './use-action.ts'
import { useStore } from './use-store.ts'

export function SignIn({ parts }: { readonly parts: AppParts }) {
  const [key, setKey] = useState('')
  const [linkToken, setLinkToken] = useState(takeLinkToken)
  const notice = useStore(parts, parts.notice)
  const heading = useRef<HTMLHeadingElement>(null)
  const exchange = useAction(async (body: { key: string } | { link: string }) => {
    const answer = await parts.api.request<unknown>(SIGN_IN_PATH, { method: 'POST', body })
    const session = parseSession(answer)
    if (session === undefined) throw new Error('The server’s answer holds no session.')
    parts.setSession(session)
  })
  useEffect(() => {
    document.title = 'Sign in · Headwater'
    heading.current?.focus()
    const take = () => setLinkToken(takeLinkToken())
    window.addEventListener('hashchange', take)
    return () => window.removeEventListener('hashchange', take)
  }, [])
  useEffect(() => {
    if (linkToken !== undefined) void exchange.run({ link: linkToken })
  }, [linkToken])
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const typed = key.trim()
    // Out of the field whatever happens: a screen that is shared shows nothing.
    setKey('')
    if (typed !== '') void exchange.run({ key: typed })
  }
  return (
    <main class="sign-in">
      <ConnectionBanner connection={parts.connection} />
      <div class="sign-in-card">
        <p class="brand">
          <BrandMark />
          Headwater
        </p>
        <h1 ref={heading} tabIndex={-1}>
          Sign in
        </h1>
        {notice !== '' && (
          <p class="banner" role="status">
            {notice}
          </p>
        )}
        <ErrorBanner error={exchange.error} />
        {exchange.isRunning ? (
          <Loading what="your session" />
        ) : (
          <form onSubmit={submit}>
            <TextField
              label="Key"
              type="password"
              value={key}
              onValue={setKey}
              isRequired
              hint="A super-user key, or one with an admin grant. It is exchanged for a session of 12 hours and not kept."
            />
            <button type="submit" class="primary">
              Sign in
            </button>
          </form>
        )}
        <p class="quiet">
          Where is the key? In <code>super-user-key.json</code> of the server’s data directory (
          <code>.headwater</code>), as <code>apiKey</code>. A server that starts in a terminal
          prints a link that signs in without it.
        </p>
      </div>
      <ThemeButton />
    </main>
  )
}

/** Headwater's mark, as the player page has it: a drop that plays. */
export function BrandMark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path class="mark-drop" d="M16 5c4.6 6 7 9.6 7 13a7 7 0 0 1-14 0c0-3.4 2.4-7 7-13z" />
      <path d="M13.5 14.5l6 3.5-6 3.5z" />
    </svg>
  )
}

/** The link's token out of the address bar: histories and shared screens keep what is there. */
function takeLinkToken(): string | undefined {
  const token = parseSignInFragment(location.hash)
  if (token !== undefined) {
    history.replaceState(history.state, '', location.pathname + location.search)
  }
  return token
}
