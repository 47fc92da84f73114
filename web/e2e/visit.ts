import AxeBuilder from '@axe-core/playwright'
import { existsSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { MISSING } from './browser.mjs'

const BUILT = existsSync(new URL('../dist/index.html', import.meta.url))

/** Why tests in a browser cannot run; empty when they can. */
export const UNREADY = MISSING || (BUILT ? '' : 'the console is not built: npm run build')

/** Refusals that a test provokes are logged by the browser; everything else is an error of ours. */
export function unexpected(errors: readonly string[]): string[] {
  return errors.filter((e) => !/^Failed to load resource/.test(e))
}

/** What axe finds on a page, one fault a line. */
export async function axe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .map((n) => n.target.join(' '))
        .slice(0, 3)
        .join(', ')}`,
  )
}

/** How many pixels a page is wider than its window. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** Texts in rows that are wider than their place. */
export const cut = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.row .value, .row .error')]
      .filter((e) => e.scrollWidth > e.clientWidth)
      .map((e) => e.textContent),
  )
