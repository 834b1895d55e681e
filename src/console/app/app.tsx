/** Signed out: the sign-in page. Signed in: the shell with its pages. */

import { useEffect } from 'preact/hooks'
import type { AppParts } from './open-app.ts'
import { Shell } from './shell.tsx'
import { SignIn } from './sign-in.tsx'
import { ToastList } from './toast-list.tsx'
import { useStore } from './use-store.ts'

export function App({ parts }: { readonly parts: AppParts }) {
  const session = useStore(parts, () => parts.session.get())
  const token = session?.session
  useEffect(() => {
    if (token === undefined) return undefined
    // Browsers open six connections to a server, all tabs together: a hidden one keeps none.
    const follow = () => {
      if (!document.hidden) parts.stream.start()
      else parts.stream.close()
    }
    follow()
    // A lost server ends the stream by itself; once it is back there is no reason to wait.
    const end = parts.connection.subscribe(() => {
      if (parts.connection.state.kind === 'online') follow()
    })
    document.addEventListener('visibilitychange', follow)
    return () => {
      document.removeEventListener('visibilitychange', follow)
      end()
      parts.stream.close()
    }
  }, [parts, token])
  return (
    <>
      {session === undefined ? <SignIn parts={parts} /> : <Shell parts={parts} session={session} />}
      <ToastList toasts={parts.toasts} />
    </>
  )
}
