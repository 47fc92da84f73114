// Takes pictures of the console against the mock server, for looking at: npm run shots [NAME...]

import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startMock } from '../dev/mock.mjs'
import { launch, MISSING, open } from './browser.mjs'

const OUT = fileURLToPath(new URL('./out/', import.meta.url))

const SHOTS = [
  { name: 'light', warm: 230 },
  { name: 'dark', warm: 230, colorScheme: 'dark' },
  { name: 'wide', warm: 230, width: 1600, height: 1000 },
  { name: 'narrow', warm: 230, width: 390, height: 844 },
  {
    name: 'narrow-dark',
    warm: 230,
    width: 390,
    height: 844,
    colorScheme: 'dark',
    hash: '#/definitions/console_pairs',
  },
  { name: 'empty', scenario: 'empty' },
  { name: 'empty-dark-narrow', scenario: 'empty', width: 390, height: 844, colorScheme: 'dark' },
  { name: 'much', scenario: 'much', warm: 230, width: 1600, height: 1000 },
  { name: 'error', scenario: 'error' },
  { name: 'token', scenario: 'token' },
  {
    name: 'lost',
    warm: 230,
    async act(page, mock) {
      mock.scenario = 'error'
      mock.cut()
      await page.waitForTimeout(1500)
    },
  },
  { name: 'definitions', warm: 60, width: 1600, hash: '#/definitions/console_pairs' },
  { name: 'definitions-dark', warm: 60, colorScheme: 'dark', hash: '#/definitions/console_ports' },
  { name: 'fault', warm: 20, hash: '#/definitions?keys=ipsource,frst:stack:.:ip&value=bytes&filter=vlan=5' },
  { name: 'preview', warm: 20, width: 1600, hash: '#/definitions?keys=ipsource,nosuch,suffix:stack:.:1&value=bytes' },
  {
    name: 'completion',
    warm: 20,
    colorScheme: 'dark',
    hash: '#/definitions',
    async act(page) {
      await page.getByRole('textbox', { name: 'Keys' }).click()
      await page.keyboard.type('mask:ipsource:24,null:[mask:ip')
      await page.waitForTimeout(600)
    },
  },
  {
    name: 'help',
    warm: 60,
    async act(page) {
      await page.keyboard.press('?')
      await page.waitForTimeout(200)
    },
  },
  ...past(),
]

/** Each page of the past, light and wide, and dark and narrow. */
function past() {
  const host = '#/groups/hosts/C6.33.64.01'
  const pages = {
    groups: '#/groups',
    group: '#/groups/hosts?range=6h&compare=-1d',
    key: host + '?range=6h',
    sessions: '#/sessions?q=port=443&range=6h',
    sums: '#/sessions?by=ip',
    alerts: '#/alerts?range=24h',
    sql: '#/sql?query=' + encodeURIComponent('select at, key, m0, samples\nfrom buckets\nlimit 500'),
    store: '#/store',
    settings: '#/groups?edit=hosts',
    maker: '#/groups?new=keys',
    cross: '#/groups?new=crosskey',
    rule: '#/alerts?new=1',
  }
  return Object.entries(pages).flatMap(([name, hash]) => [
    { name: 'past-' + name, warm: 60, hash },
    { name: 'past-' + name + '-dark', warm: 60, hash, width: 390, height: 844, colorScheme: 'dark' },
  ])
}

if (MISSING) {
  console.error('shots: ' + MISSING)
  process.exit(1)
}
const wanted = process.argv.slice(2)
const browser = await launch()
await mkdir(OUT, { recursive: true })
for (const s of SHOTS.filter((s) => wanted.length === 0 || wanted.includes(s.name))) {
  const mock = await startMock({ scenario: s.scenario, warm: s.warm, every: 300 })
  const { page, context, errors, outside } = await open(browser, s)
  await page.goto(mock.url + (s.hash ?? ''))
  await page.waitForTimeout(1800)
  await s.act?.(page, mock)
  await page.screenshot({ path: `${OUT}${s.name}.png`, fullPage: true, timeout: 20000 })
  console.log(s.name, errors.length ? errors.slice(0, 3) : '', outside.length ? outside : '')
  await context.close()
  await mock.close()
}
await browser.close()
