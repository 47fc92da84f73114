import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMock, type Mock } from '../dev/mock.mjs'
import { launch, open } from './browser.mjs'
import { axe, cut, overflow, unexpected, UNREADY } from './visit'

if (UNREADY) console.warn('e2e skipped: ' + UNREADY)

let browser: Browser
let mock: Mock
let outside: string[]
let errors: string[]
let closePage: () => Promise<void>

type Options = Parameters<typeof startMock>[0] & Parameters<typeof open>[1] & { hash?: string }

/** Starts a server and opens the console on it. */
async function visit(o: Options = {}): Promise<Page> {
  mock = await startMock({ every: 200, ...o })
  const opened = await open(browser, o)
  outside = opened.outside
  errors = opened.errors
  closePage = () => opened.context.close()
  await opened.page.goto(mock.url + (o.hash ?? ''))
  return opened.page
}

describe.skipIf(UNREADY !== '')('the console', () => {
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

  test('shows rates, lists, exporters and events, and keeps them moving', async () => {
    const page = await visit({ warm: 130 })
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    for (const name of ['Top sources', 'Top destinations', 'Top pairs', 'Top ports']) {
      expect(await page.getByRole('region', { name }).getByRole('listitem').count()).toBe(10)
    }
    const sources = page.getByRole('region', { name: 'Top sources' })
    expect(await sources.innerText()).toMatch(/\d+(\.\d+)?\s*[kMG]bit\/s\s*\u00b1/)
    expect(await sources.innerText()).toContain('exact')
    expect(await page.getByRole('region', { name: 'Top ports' }).innerText()).toMatch(/443\s*https\s*\u00b7\s*TCP/)
    expect(
      await page.getByRole('region', { name: 'Throughput' }).getByRole('img').getAttribute('aria-label'),
    ).toMatch(/bit\/s/)
    expect(await page.getByRole('region', { name: 'Exporters' }).getByRole('row').count()).toBe(6)
    expect(await page.getByRole('region', { name: 'Threshold events' }).innerText()).toContain('flood')
    const path = () => sources.locator('svg path').first().getAttribute('d')
    const before = await path()
    await expect.poll(path).not.toBe(before)
    expect(await page.getByText('books balance').count()).toBe(1)
    expect(errors).toEqual([])
  })

  test('has no fault that axe finds, in both themes and on every page', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await visit({ warm: 130, colorScheme })
      await page.getByRole('heading', { name: 'Top ports' }).waitFor()
      expect(await axe(page)).toEqual([])
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      expect(await axe(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.goto(mock.url + '#/definitions?keys=frst:stack:.:ip&value=bytes')
      await page.getByText('Unknown function').waitFor()
      expect(await axe(page)).toEqual([])
      await closePage()
      await mock.close()
    }
    const page = await visit({ scenario: 'empty', colorScheme: 'dark', width: 390 })
    await page.getByText('No traffic yet').waitFor()
    expect(await axe(page)).toEqual([])
  })

  test('fits a narrow and a wide window', async () => {
    for (const width of [390, 1600]) {
      const page = await visit({ scenario: 'much', warm: 5, width })
      await page.getByRole('heading', { name: 'Top ports' }).waitFor()
      expect(await overflow(page)).toBe(0)
      await page.goto(mock.url + '#/definitions/console_pairs')
      await page.getByRole('heading', { name: 'Live preview' }).waitFor()
      expect(await overflow(page)).toBe(0)
      expect(await cut(page)).toEqual([])
      await closePage()
      await mock.close()
    }
    await visit()
  })

  test('says what to do when nothing comes', async () => {
    const page = await visit({ scenario: 'empty' })
    await page.getByText('No traffic yet').waitFor()
    expect(await page.getByRole('tabpanel').innerText()).toContain('weir demo')
    await page.getByRole('tab', { name: 'Demo' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tabpanel').innerText()).toContain('udpport=6343')
    mock.scenario = 'live'
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
  })

  test('says that the stream is lost, keeps what it had, and connects again', async () => {
    const page = await visit({ warm: 30 })
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    mock.scenario = 'error'
    mock.cut()
    await page.getByRole('alert').getByText('weir is draining').waitFor()
    expect(await axe(page)).toEqual([])
    expect(await page.getByRole('region', { name: 'Top sources' }).getByRole('listitem').count()).toBe(10)
    mock.scenario = 'live'
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByRole('banner').getByText('Live').waitFor()
    // What was asked for besides the stream while the server refused is asked for again only now.
    await expect.poll(() => page.getByRole('alert').count()).toBe(0)
  })

  test('shows an error of the server at the start and recovers by itself', async () => {
    const page = await visit({ scenario: 'error' })
    await page.getByRole('alert').getByText('weir is draining').waitFor()
    expect(await axe(page)).toEqual([])
    mock.scenario = 'live'
    await page.getByRole('heading', { name: 'Top sources' }).waitFor({ timeout: 10_000 })
  })

  test('asks for a token and sends it', async () => {
    const page = await visit({ scenario: 'token' })
    await page.getByLabel('Token').fill('secret')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    await expect.poll(() => page.getByLabel('Token').count()).toBe(0)
  })

  test('marks the character that is wrong, also behind letters of several bytes', async () => {
    const page = await visit()
    await page.keyboard.press('n')
    const keys = page.getByRole('textbox', { name: 'Keys' })
    await keys.click()
    await page.keyboard.insertText('null:vlan:ä,frst:stack:.:ip')
    await page.getByText('Unknown function "frst", at character 13').waitFor()
    expect(await page.locator('.fault').innerText()).toBe('f')
    expect(await keys.getAttribute('aria-invalid')).toBe('true')
    const sign = await page.locator('.sign').boundingBox()
    const char = await page.locator('.fault').boundingBox()
    expect(Math.abs(sign!.x - char!.x)).toBeLessThan(3)
  })

  test('proposes attributes and functions', async () => {
    const page = await visit({ hash: '#/definitions' })
    await page.getByRole('textbox', { name: 'Keys' }).click()
    await page.keyboard.type('mas')
    await page.getByRole('option', { name: /mask/ }).waitFor()
    await page.waitForTimeout(150) // A proposal is taken only after it has been seen for a moment.
    await page.keyboard.press('Enter')
    await page.getByRole('option', { name: /ipsource/ }).waitFor()
    await page.keyboard.type('ipso')
    await page.getByRole('option', { name: /ipsource/ }).waitFor()
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    expect(await page.getByRole('textbox', { name: 'Keys' }).innerText()).toBe('mask:ipsource')
  })

  test('previews, saves and deletes a definition, and leaves no preview behind', async () => {
    const page = await visit({ hash: '#/definitions?keys=ipsource&value=bytes&filter=vlan%3D5' })
    const preview = page.getByRole('region', { name: 'Live preview' })
    await preview.getByRole('listitem').first().waitFor()
    const previews = () => [...mock.definitions.keys()].filter((n) => n.startsWith('console_preview_')).length
    expect(previews()).toBe(1)
    await page.getByLabel('Name').fill('mine')
    await page.getByRole('textbox', { name: 'Filter' }).click()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('heading', { name: 'mine' }).waitFor()
    expect(mock.definitions.get('mine')).toMatchObject({ keys: 'ipsource', filter: 'vlan=5' })
    await expect.poll(previews).toBe(0)
    await expect.poll(() => page.url()).toContain('#/definitions/mine')
    await preview.getByRole('listitem').first().waitFor()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('heading', { name: 'New definition' }).waitFor()
    await expect.poll(() => mock.definitions.has('mine')).toBe(false)
  })

  test('is left with an editor in use without a trace', async () => {
    const page = await visit({ hash: '#/definitions?keys=ipsource&value=bytes' })
    const previews = () => [...mock.definitions.keys()].filter((n) => n.startsWith('console_preview_')).length
    await expect.poll(previews).toBe(1)
    await page.getByRole('textbox', { name: 'Keys' }).click()
    await page.goto(mock.url + '#/')
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    await expect.poll(previews).toBe(0)
    expect(errors).toEqual([])
  })

  test('says that a server is read-only', async () => {
    const page = await visit({ scenario: 'readonly', hash: '#/definitions?keys=ipsource&value=bytes' })
    await page.getByText('This server is read-only').waitFor()
  })

  test('takes a row as the start of a closer look', async () => {
    const page = await visit()
    await page.getByRole('region', { name: 'Top sources' }).getByRole('link').nth(1).click()
    await page.getByRole('heading', { name: 'New definition' }).waitFor()
    expect(await page.getByRole('textbox', { name: 'Filter' }).innerText()).toMatch(/^or:ipsource:ip6source=/)
    await page.goBack()
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
  })

  test('is used by the keyboard alone', async () => {
    const page = await visit()
    await page.getByRole('heading', { name: 'Top sources' }).waitFor()
    await page.keyboard.press('m')
    await expect.poll(() => page.url()).toContain('mode=sum')
    expect(await page.getByRole('radio', { name: 'sum' }).isChecked()).toBe(true)
    await page.keyboard.press('w')
    await expect.poll(() => page.url()).toContain('window=900')
    await page.keyboard.press('t')
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('t')
    await expect.poll(theme).toBe('dark')
    await page.keyboard.press('p')
    await page.getByRole('button', { name: 'Go on' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await page.getByRole('heading', { name: 'Live preview' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('pairs')
    expect(await page.getByRole('region', { name: 'List of definitions' }).getByRole('listitem').count()).toBe(1)
    await page.reload()
    expect(await page.getByRole('radio', { name: 'sum' }).isChecked()).toBe(true)
    expect(await page.getByLabel('Search definitions').inputValue()).toBe('pairs')
  })

  test('shows hundreds of exporters a few at a time', async () => {
    const page = await visit({ scenario: 'much' })
    const exporters = page.getByRole('region', { name: 'Exporters' })
    await exporters.getByRole('row').nth(12).waitFor()
    expect(await exporters.getByRole('row').count()).toBe(13)
    await exporters.getByRole('button', { name: /^Lost/ }).click()
    expect(await exporters.getByRole('row').nth(1).innerText()).toMatch(/1\.\d+\s*%/)
    await exporters.getByLabel('Search exporters').fill('spine1-100')
    expect(await exporters.getByRole('row').count()).toBe(2)
  })

  test('reads out an event that comes, once', async () => {
    const page = await visit()
    const events = page.getByRole('region', { name: 'Threshold events' })
    await events.getByText('No threshold has been passed').waitFor()
    const event = {
      id: 1,
      at: mock.network.at,
      threshold: 'flood',
      metric: 'ddos_target',
      limit: 2e6,
      value: 4e6,
      error: 1e5,
      exporter: '192.0.2.12',
      datasource: '3',
      key: '10.0.0.9',
      values: [],
      peak: 4e6,
      end: null,
    }
    mock.streams.forEach((s) => s.res.write(`id: 1\nevent: threshold\ndata: ${JSON.stringify(event)}\n\n`))
    await events.getByText('going on').first().waitFor()
    expect(await events.locator('[aria-live]').textContent()).toContain('flood, 10.0.0.9 reached 32.0')
  })
})
