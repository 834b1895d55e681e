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
    parts.stream.start()
    // A lost server ends the stream by itself; once it is back there is no reason to wait.
    const end = parts.connection.subscribe(() => {
      if (parts.connection.state.kind === 'online') parts.stream.start()
    })
    return () => {
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
