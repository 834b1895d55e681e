/**
 * The console's entry: `/` of the admin plane. Browser code; talks to the admin API over HTTP only.
 *
 * To add a page: write `src/console/<page>/<page>-page.tsx` and give it a line in `app/pages.ts`
 * (CONTRIBUTING.md, "The console").
 */

import { render } from 'preact'
import { App } from './app/app.tsx'
import { openApp } from './app/open-app.ts'
import { applyTheme, loadTheme } from './app/theme.ts'

const root = document.getElementById('console')
if (root === null) throw new Error('The page has no #console.')
applyTheme(loadTheme())
// The server's words for who has no JavaScript.
root.replaceChildren()
render(<App parts={openApp()} />, root)
