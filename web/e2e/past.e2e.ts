// The pages of the past against the made-up server: counter groups, keys, sessions, alerts, SQL, store, search.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMock, type Mock } from '../dev/mock.mjs'
import { launch, open } from './browser.mjs'
import { axe, overflow, unexpected, UNREADY } from './visit'

if (UNREADY) console.warn('e2e skipped: ' + UNREADY)

let browser: Browser
let mock: Mock
let outside: string[]
let errors: string[]
let closePage: () => Promise<void>

type Options = Parameters<typeof startMock>[0] & Parameters<typeof open>[1] & { hash?: string }

/** Starts a server and opens the console on it. */
async function visit(o: Options = {}): Promise<Page> {
  mock = await startMock({ every: 300, ...o })
  const opened = await open(browser, o)
  outside = opened.outside
  errors = opened.errors
  closePage = () => opened.context.close()
  await opened.page.goto(mock.url + (o.hash ?? ''))
  return opened.page
}

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
const rows = (page: Page, name: string) => region(page, name).locator('tbody tr')
const requests = (pattern: RegExp) => mock.requests.filter((r) => pattern.test(r)).length

const PAGES: [string, string][] = [
  ['#/groups', 'Counter groups'],
  ['#/groups/hosts?range=6h&compare=-1d', 'Toppers'],
  ['#/groups/hosts/C6.33.64.01', 'About this key'],
  ['#/groups/hosts/SYS%3AGROUP_TOTALS', 'Received'],
  ['#/sessions?q=port=443', 'Sessions'],
  ['#/sessions?by=ip', 'Sessions'],
  ['#/alerts?range=24h', 'History of alerts'],
  ['#/sql?query=select+1+from+buckets', 'Answer'],
  ['#/store', 'Home networks'],
]
const DRAWERS = ['#/groups?edit=hosts', '#/groups?new=keys', '#/groups?new=rule', '#/alerts?new=1']

describe.skipIf(UNREADY !== '')('the past', () => {
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    await closePage?.()
    await mock?.close()
    expect(outside).toEqual([])
    expect(unexpected(errors)).toEqual([])
  })

  for (const [width, colorScheme] of [
    [390, 'dark'],
    [1440, 'light'],
  ] as const) {
    test(
      `has no fault that axe finds and fits: ${width} pixels, ${colorScheme}, pages`,
      { timeout: 180_000 },
      async () => {
        const page = await visit({ warm: 30, width, colorScheme })
        for (const [hash, name] of PAGES) {
          await page.goto(mock.url + hash)
          await region(page, name).first().waitFor()
          await page.waitForTimeout(250)
          expect(await axe(page), hash).toEqual([])
          expect(await overflow(page), hash).toBe(0)
        }
      },
    )

    test(`has no fault that axe finds and fits: ${width} pixels, ${colorScheme}, drawers`, async () => {
      const page = await visit({ warm: 30, width, colorScheme })
      for (const hash of DRAWERS) {
        await page.goto(mock.url + hash)
        await page.getByRole('dialog').waitFor()
        expect(await axe(page), hash).toEqual([])
        expect(await overflow(page), hash).toBe(0)
      }
    })
  }

  test('lists groups, finds and sorts them, and switches one off', async () => {
    const page = await visit({ hash: '#/groups' })
    await rows(page, 'Counter groups').nth(8).waitFor()
    const hosts = rows(page, 'Counter groups').filter({ hasText: /^Hosts\s*hosts/ })
    expect(await hosts.innerText()).toMatch(/93\.6\s*%/)
    await expect.poll(() => hosts.innerText()).toMatch(/Mbit\/s/)
    await page.getByRole('button', { name: /^Live keys/ }).click()
    expect(page.url()).toContain('sort=-keys_live')
    await page.getByLabel('Search groups').fill('cross')
    await expect.poll(() => rows(page, 'Counter groups').count()).toBe(1)
    await page.getByLabel('Search groups').fill('')
    const apps = page.getByRole('switch', { name: 'Apps is counted', exact: true })
    await apps.click()
    await expect.poll(() => mock.memory.groups.get('apps')!.active).toBe(false)
    await expect.poll(() => apps.isChecked()).toBe(false)
  })

  test('changes the settings of a group and says what the server refuses', async () => {
    const page = await visit({ hash: '#/groups' })
    await page.getByRole('button', { name: 'Settings of Hosts', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Bucket, seconds', { exact: true }).fill('45')
    await dialog.getByText('315 s, for example').waitFor()
    expect(await dialog.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Bucket, seconds', { exact: true }).fill('60')
    await dialog.getByLabel('Largest of Packets').fill('25')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => dialog.count()).toBe(0)
    expect(mock.memory.groups.get('hosts')).toMatchObject({ bucket_s: 60, topper_s: 300 })
    expect(mock.memory.groups.get('hosts')!.meters[3]).toMatchObject({ id: 3, top: 25 })
    await expect
      .poll(() =>
        rows(page, 'Counter groups')
          .filter({ hasText: /^Hosts\s*hosts/ })
          .innerText(),
      )
      .toContain('1 min')
  })

  test('makes a group of own keys with the editor, and deletes it', async () => {
    const page = await visit({ hash: '#/groups' })
    await page.getByRole('link', { name: 'New group' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').first().fill('by_vlan')
    await dialog.getByRole('textbox', { name: 'Keys' }).click()
    await page.keyboard.insertText('frst:stack:.')
    await dialog.getByText('Unknown function "frst"').waitFor()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText('vlan')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await expect.poll(() => page.url()).toContain('#/groups/by_vlan')
    await region(page, 'Toppers').waitFor()
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: /^Delete it/ }).click()
    await rows(page, 'Counter groups').first().waitFor()
    expect(mock.memory.groups.has('by_vlan')).toBe(false)
  })

  test('makes a cross-key group of two groups', async () => {
    const page = await visit({ hash: '#/groups?new=crosskey' })
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('hosts_by_country')
    await dialog.getByLabel('Group 2').selectOption('country')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await expect
      .poll(() => mock.memory.groups.get('hosts_by_country'))
      .toMatchObject({ parents: ['hosts', 'country'] })
  })

  test('shows toppers, compares them, and keeps the view in the address', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    await rows(page, 'Toppers').nth(20).waitFor()
    const first = rows(page, 'Toppers').first()
    expect(await first.innerText()).toMatch(/198\.51\.100\.1\s+[\d.]+\s*[MG]bit\/s\s+±/)
    expect(await region(page, 'Toppers').innerText()).toContain('all others')
    await page.getByLabel('compared with').selectOption('-1d')
    await expect.poll(() => first.innerText()).toMatch(/[+−±][\d.]+\s*%$/m)
    expect(await region(page, 'Toppers').innerText()).toContain('new')
    await page.getByRole('radio', { name: 'volume' }).check({ force: true })
    await expect.poll(() => first.innerText()).toMatch(/[GM]B/)
    await page.getByRole('button', { name: '6h', exact: true }).click()
    await page.getByLabel('Meter', { exact: true }).selectOption({ label: 'Received' })
    await expect.poll(() => rows(page, 'Toppers').count()).toBe(12)
    expect(page.url()).toMatch(/range=6h/)
    expect(page.url()).toMatch(/compare=-1d/)
    await page.reload()
    await expect.poll(() => rows(page, 'Toppers').count()).toBe(12)
    expect(await page.getByRole('button', { name: '6h', exact: true }).getAttribute('aria-pressed')).toBe('true')
    await page.goBack()
    await expect
      .poll(() => page.getByRole('button', { name: '1h', exact: true }).getAttribute('aria-pressed'))
      .toBe('true')
  })

  test('zooms by drawing over a chart, and goes back', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    const chart = region(page, 'Total').getByRole('img')
    await chart.waitFor()
    await page.waitForTimeout(300)
    const box = (await chart.boundingBox())!
    await page.mouse.move(box.x + 160, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + 320, box.y + 60, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => page.url()).toMatch(/from=\d+&to=\d+/)
    const [, from, to] = /from=(\d+)&to=(\d+)/.exec(page.url())!
    expect(Number(to) - Number(from)).toBeGreaterThan(300)
    expect(Number(to) - Number(from)).toBeLessThan(3000)
    await page.goBack()
    await expect.poll(() => page.url()).not.toContain('from=')
  })

  test('takes a stretch of time of one’s own, and refuses one that ends before it begins', async () => {
    const page = await visit({ hash: '#/groups/apps' })
    await page.getByRole('button', { name: 'Own…' }).click()
    await page.getByLabel('From').fill('2026-03-09T12:00:00')
    await page.getByLabel('To', { exact: true }).fill('2026-03-09T11:00:00')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByText('It must begin before it ends.').waitFor()
    await page.getByLabel('To', { exact: true }).fill('2026-03-09T13:00:00')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('button', { name: /03-09 12:00/ }).waitFor()
    expect(page.url()).toMatch(/from=\d+&to=\d+/)
  })

  test('asks again while it is live, and not while it is paused', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    await rows(page, 'Toppers').first().waitFor()
    const asked = () => requests(/hosts\/toppers$/)
    const before = asked()
    await expect.poll(asked, { timeout: 12_000 }).toBeGreaterThan(before)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.waitForTimeout(400)
    const held = asked()
    await page.waitForTimeout(6000)
    expect(asked()).toBe(held)
  })

  test('links to its files', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    await rows(page, 'Toppers').first().waitFor()
    const link = region(page, 'Toppers').getByRole('link', { name: 'Parquet' })
    expect(await link.getAttribute('href')).toMatch(/\/api\/v1\/groups\/hosts\/toppers\?.*format=parquet/)
    const download = page.waitForEvent('download')
    await region(page, 'Toppers').getByRole('link', { name: 'CSV' }).click()
    expect((await download).suggestedFilename()).toMatch(/\.csv$/)
  })

  test('shows all meters of a key, its rank, its peers and its sessions, and takes a label', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    await rows(page, 'Toppers').first().getByRole('link').click()
    await region(page, 'About this key').waitFor()
    for (const name of ['Total', 'Received', 'Packets', 'Rank over time']) await region(page, name).waitFor()
    expect(await region(page, 'Peers').innerText()).toMatch(/https\s+[\d.]+/)
    await region(page, 'Sessions').locator('tbody tr').first().waitFor()
    await page.getByText('Nothing to show of Attacker alerts').waitFor()
    await page.getByLabel('Label').fill('edge1')
    await page.getByLabel('Description').fill('The first one')
    await region(page, 'About this key').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'edge1' }).waitFor()
    await region(page, 'Sessions').getByRole('link', { name: 'all of them' }).click()
    await page.getByLabel('Take ip=198.51.100.1 away').waitFor()
  })

  test('says that there is no such key or group', async () => {
    const page = await visit({ hash: '#/groups/hosts/nobody' })
    await page.getByText('No key "nobody" in hosts').waitFor()
    await page.goto(mock.url + '#/groups/nothing')
    await page.getByText('There is no counter group').waitFor()
  })

  test('finds any key by the keyboard alone', async () => {
    const page = await visit()
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    await page.keyboard.press('f')
    await page.keyboard.type('http')
    await page.getByRole('option', { name: /https/ }).first().waitFor()
    const before = requests(/search/)
    expect(before).toBeLessThan(4)
    await page.keyboard.press('ArrowDown')
    expect(await page.getByRole('option').nth(1).getAttribute('aria-selected')).toBe('true')
    expect(await axe(page)).toEqual([])
    await page.keyboard.press('Enter')
    await expect.poll(() => page.url()).toMatch(/#\/groups\/apps\/p-/)
    await page.keyboard.press('f')
    await page.keyboard.type('nothing like it')
    await page.getByText('No key is called that').waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('listbox').count()).toBe(0)
  })

  test('searches sessions by terms, and looks at one', async () => {
    const page = await visit({ hash: '#/sessions?range=6h' })
    const field = page.getByLabel('Search sessions')
    await rows(page, 'Sessions').first().waitFor()
    await field.click()
    await page.keyboard.type('port=443,tcp')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.url()).toMatch(/q=port%3D443%2Cproto%3Dtcp/)
    await expect
      .poll(async () => (await rows(page, 'Sessions').allInnerTexts()).every((t) => t.includes(':443')))
      .toBe(true)
    await page.getByLabel('Take proto=tcp away').click()
    await expect.poll(() => page.url()).toMatch(/q=port%3D443(&|$)/)
    await field.click()
    await page.keyboard.type('prot=6')
    await page.keyboard.press('Enter')
    await page.getByText('"prot" is no field').waitFor()
    await page.keyboard.press('Backspace')
    expect(await field.inputValue()).toBe('prot=6')
    await field.fill('')
    await field.blur()
    await page.getByRole('radio', { name: 'live' }).check({ force: true })
    await expect
      .poll(async () => (await rows(page, 'Sessions').allInnerTexts()).every((t) => t.includes('live')))
      .toBe(true)
    await page.getByRole('button', { name: 'Bytes' }).click()
    expect(page.url()).toContain('order=bytes')
    await rows(page, 'Sessions').first().getByRole('link').click()
    await page.getByText('Round trip of the handshake').waitFor()
    expect(await region(page, 'Session').innerText()).toContain('established')
    await page.getByRole('link', { name: 'Sessions between the two' }).click()
    await expect.poll(() => page.url()).toContain('q=ippair')
  })

  test('adds sessions up, and looks closer', async () => {
    const page = await visit({ hash: '#/sessions' })
    await page.getByLabel('Shown as').selectOption('port')
    const row = rows(page, 'Sessions').first()
    await row.getByRole('link').waitFor()
    const port = await row.getByRole('link').innerText()
    await row.getByRole('link').click()
    await page.getByLabel(`Take port=${port} away`).waitFor()
  })

  test('shows alerts, and writes, changes and deletes a rule', async () => {
    const page = await visit({ hash: '#/alerts?range=24h' })
    await rows(page, 'History of alerts').nth(5).waitFor()
    expect(await rows(page, 'Active alerts').count()).toBe(1)
    await page.getByRole('radio', { name: 'fired' }).check({ force: true })
    await expect.poll(() => rows(page, 'History of alerts').filter({ hasText: 'over' }).count()).toBe(0)
    await page.getByRole('button', { name: 'New rule' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('too_much')
    await dialog.getByLabel('Above').fill('many')
    await dialog.getByText('"many" is no value').waitFor()
    await dialog.getByLabel('Above').fill('10Mbps')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await region(page, 'Rules').getByText('above 10Mbps for 3 buckets').waitFor()
    await page.getByRole('button', { name: 'Edit too_much' }).click()
    await dialog.getByText('band', { exact: true }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await region(page, 'Rules').getByText('not as on this weekday').nth(1).waitFor()
    await page.getByRole('button', { name: 'Edit too_much' }).click()
    await dialog.getByRole('button', { name: 'Delete…' }).click()
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    await expect.poll(() => region(page, 'Rules').getByRole('listitem').count()).toBe(2)
  })

  test('answers SQL exactly, a few rows at a time, and says what is wrong', async () => {
    const page = await visit({ hash: '#/sql' })
    await region(page, 'Tables').getByText('sessions').waitFor()
    await page.getByRole('textbox', { name: 'SQL query' }).click()
    await page.keyboard.insertText('drop table sessions')
    await page.keyboard.press('ControlOrMeta+Enter')
    await page.getByText('Only SELECT, WITH').waitFor()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText('select at, key from buckets limit 900')
    await page.keyboard.press('ControlOrMeta+Enter')
    const answer = region(page, 'Rows of the answer')
    await answer.getByText('1700000000123456789').waitFor()
    await page.getByText('900 rows').waitFor()
    expect(await answer.locator('tbody tr').count()).toBeLessThan(80)
    await answer.evaluate((e) => (e.scrollTop = e.scrollHeight))
    await answer.getByText('1700026970123456789').waitFor()
    const download = page.waitForEvent('download')
    await region(page, 'Query').getByRole('button', { name: 'CSV' }).click()
    expect((await download).suggestedFilename()).toBe('query.csv')
    await page.reload()
    await answer.getByText('1700000000123456789').waitFor()
    await region(page, 'Tables').getByText('sessions').click()
    await region(page, 'Tables').getByRole('button', { name: 'Look at it' }).click()
    await expect.poll(() => page.url()).toContain('from+sessions')
  })

  test('tells of the store, of its trouble, and changes home networks', async () => {
    const page = await visit({ hash: '#/store' })
    await rows(page, 'Store').nth(3).waitFor()
    await page.getByText('fine').waitFor()
    const home = page.getByLabel('Networks that are home')
    await home.fill('10.0.0.0/8\nnowhere')
    await region(page, 'Home networks').getByRole('button', { name: 'Save' }).click()
    await page.getByText('"nowhere" is no network').waitFor()
    await home.fill('10.0.0.0/8\n192.0.2.0/24')
    await region(page, 'Home networks').getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    expect(mock.memory.home.networks).toEqual(['10.0.0.0/8', '192.0.2.0/24'])
    mock.memory.storeError = {
      error: 'the disk is full',
      hint: 'Make room on /var/lib/weir.',
      error_since: new Date().toISOString(),
    }
    await page.reload()
    await region(page, 'Store').getByText('The disk is full').waitFor()
    await page.getByText('Nothing is stored: The disk is full').waitFor()
    expect(await axe(page)).toEqual([])
  })

  test('says what is missing when nothing was counted', async () => {
    const page = await visit({ scenario: 'empty', hash: '#/groups/hosts' })
    await region(page, 'Toppers').getByText('No key has counted anything').waitFor()
    await region(page, 'Keys').getByText('No key was seen yet').waitFor()
    await page.goto(mock.url + '#/sessions')
    await page.getByText('No session in this stretch of time.').waitFor()
    await page.goto(mock.url + '#/alerts')
    await page.getByText('No rule watches a meter').waitFor()
    expect(await axe(page)).toEqual([])
  })

  test('copes with hundreds of keys and long names', async () => {
    for (const width of [390, 1440]) {
      const page = await visit({ scenario: 'much', width, hash: '#/groups' })
      await rows(page, 'Counter groups').nth(30).waitFor()
      expect(await overflow(page)).toBe(0)
      await page.goto(mock.url + '#/groups/hosts?max=500&compare=-7d')
      await rows(page, 'Toppers').nth(40).waitFor()
      expect(await overflow(page)).toBe(0)
      await page.goto(mock.url + '#/sessions?max=1000&range=24h')
      await rows(page, 'Sessions').nth(900).waitFor()
      expect(await overflow(page)).toBe(0)
      await closePage()
      await mock.close()
    }
    await visit()
  })

  test('shows a refusal in its place, keeps what it had, and goes on', async () => {
    const page = await visit({ hash: '#/groups/hosts' })
    await rows(page, 'Toppers').first().waitFor()
    mock.scenario = 'error'
    await region(page, 'Toppers').getByRole('alert').getByText('weir is draining').waitFor({ timeout: 15_000 })
    expect(await rows(page, 'Toppers').count()).toBe(22)
    mock.scenario = 'live'
    await region(page, 'Toppers').getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => region(page, 'Toppers').getByRole('alert').count()).toBe(0)
  })

  test('says that a server is read-only', async () => {
    const page = await visit({ scenario: 'readonly', hash: '#/groups?edit=hosts' })
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Bucket, seconds', { exact: true }).fill('60')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('This server is read-only').waitFor()
  })
})
