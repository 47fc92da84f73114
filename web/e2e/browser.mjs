// The browser of the tests: Debian's chromium, told to talk to nobody but the server under test.

import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const MISSING = existsSync(CHROMIUM)
  ? ''
  : `no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`

export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Opens a page that keeps what should not happen: requests to other hosts, errors in the console. */
export async function open(
  browser,
  { width = 1440, height = 900, colorScheme = 'light', reducedMotion = 'reduce' } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion,
    locale: 'en-GB',
  })
  const page = await context.newPage()
  const outside = []
  const errors = []
  page.on('request', (r) => {
    if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(r.url())) outside.push(r.url())
  })
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') errors.push(m.text())
  })
  page.on('pageerror', (e) => errors.push(String(e)))
  return { context, page, outside, errors }
}
