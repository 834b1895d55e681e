/** The console in a real browser: signing in, what a page must never do, and whether all can use it. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'

export interface ConsolePage {
  readonly page: Page
  /** Errors of the page, violations of its policy, and hosts that it should not ask. */
  readonly problems: readonly string[]
}

export interface ConsolePageOptions {
  /** Default: a desktop. */
  readonly size?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
}

/** An empty page in a context of its own, watched. */
export async function openPage(
  browser: Browser,
  urls: Pick<Headwater, 'adminUrl' | 'dataPlaneUrl'>,
  { size = { width: 1440, height: 900 }, colorScheme = 'light' }: ConsolePageOptions = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: size, colorScheme })
  const page = await context.newPage()
  const problems: string[] = []
  const own = [urls.adminUrl, urls.dataPlaneUrl].map((url) => new URL(url).origin)
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) problems.push(message.text())
  })
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (!/^(blob|data):/.test(url.protocol) && !own.includes(url.origin)) problems.push(url.href)
  })
  return { page, problems }
}

/** A page that is signed in with the super-user key, at `#/<hash>`. */
export async function openConsole(
  browser: Browser,
  origin: Pick<Headwater, 'adminUrl' | 'dataPlaneUrl' | 'keys'>,
  hash: string,
  options: ConsolePageOptions = {},
): Promise<ConsolePage> {
  const opened = await openPage(browser, origin, options)
  await opened.page.goto(`${origin.adminUrl}/#/${hash}`)
  await opened.page.getByLabel('Key').fill(origin.keys.superUser)
  await opened.page.getByRole('button', { name: 'Sign in' }).click()
  await opened.page.getByRole('navigation', { name: 'Console' }).waitFor()
  return opened
}

/** Fails the test on what axe calls serious or critical, and when the page is wider than its window. */
export async function checkUsable(t: Test, page: Page, what: string): Promise<void> {
  // By the devtools, not by a script element: the console's policy has no say in it.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8'))
  const found = await page.evaluate<readonly string[]>(`axe.run().then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`)
  t.same(found, [], `${what}: nothing serious for who uses it without eyes or mouse`)
  const excess = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  t.equal(excess, 0, `${what}: nothing sticks out`)
}
