// The console on the real binary: weir demo with its simulated network, and the replay of a case of the corpus.

import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { launch, open } from './browser.mjs'
import { NO_WEIR, startWeir, type Weir } from './real.mjs'
import { axe, cut, overflow, unexpected, UNREADY } from './visit'

const CASE = fileURLToPath(new URL('../../corpus/cases/fabric/input.pcap', import.meta.url))
const WHY = UNREADY || NO_WEIR
if (WHY) console.warn('e2e on the real binary skipped: ' + WHY)

let browser: Browser
let weir: Weir
let opened: Awaited<ReturnType<typeof open>>[] = []

type Options = Parameters<typeof open>[1] & { hash?: string }

async function visit({ hash = '', ...options }: Options = {}): Promise<Page> {
  const one = await open(browser, options)
  opened.push(one)
  await one.page.goto(weir.url + hash)
  return one.page
}

/** Asks the server itself, beside the console. */
async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(weir.origin + path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
}

const region = (page: Page, name: string) => page.getByRole('region', { name })

const write = async (page: Page, field: string, text: string) => {
  await page.getByRole('textbox', { name: field }).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(text)
}

afterEach(async () => {
  const pages = opened
  opened = []
  for (const { context } of pages) await context.close()
  for (const { outside, errors } of pages) {
    expect(outside).toEqual([])
    expect(unexpected(errors)).toEqual([])
  }
})

describe.skipIf(WHY !== '')('the console on weir demo', () => {
  beforeAll(async () => {
    browser = await launch()
    weir = await startWeir('demo')
  })
  afterAll(async () => {
    await browser?.close()
    expect(await weir?.close()).toBe(0)
  })

  test('shows a network and keeps moving', async () => {
    const page = await visit()
    for (const name of ['Top sources', 'Top destinations', 'Top pairs', 'Top ports']) {
      await region(page, name).getByRole('listitem').nth(4).waitFor()
    }
    expect(await region(page, 'Top sources').innerText()).toMatch(/\d+(\.\d+)?\s*[kMG]?bit\/s\s*\u00b1/)
    await expect.poll(() => region(page, 'Exporters').getByRole('row').count(), { timeout: 20_000 }).toBe(13)
    // A switch tells its name with its counters, which come every so often.
    const named = () => region(page, 'Exporters').innerText()
    await expect.poll(named, { timeout: 40_000 }).toMatch(/leaf2\s*192\.0\.2\.12/)
    const total = () => region(page, 'Throughput').innerText()
    for (let i = 0; i < 2; i++) {
      const before = await total()
      expect(before).toMatch(/[1-9]/)
      await expect.poll(total, { timeout: 10_000 }).not.toBe(before)
    }
    const footer = page.locator('footer').last()
    await expect.poll(() => footer.innerText()).toContain('books balance')
    expect(await page.getByRole('banner').innerText()).toContain('Live')
    expect(opened[0]!.errors).toEqual([])
  })

  test('takes a definition from a mistake to the list and out of it', async () => {
    const page = await visit()
    await page.keyboard.press('n')
    await write(page, 'Keys', 'ipsource,frst:stack:.:ip')
    await page.getByText('Unknown function "frst", at character 10').waitFor()
    expect(await page.locator('.fault').innerText()).toBe('f')
    expect(await axe(page)).toEqual([])

    await write(page, 'Keys', 'ipsource,first:stack:.:ip')
    await region(page, 'Live preview').getByRole('listitem').first().waitFor({ timeout: 15_000 })
    await page.getByLabel('Name').fill('e2e_stacks')
    await page.getByRole('button', { name: 'Save' }).click()
    const entry = region(page, 'List of definitions').getByRole('link', { name: /^e2e_stacks/ })
    await entry.waitFor()
    expect(await entry.innerText()).toContain('console')
    const { flow } = await (await ask('GET', 'api/v1/flows/e2e_stacks')).json()
    expect(flow).toMatchObject({ keys: 'ipsource,first:stack:.:ip', value: 'bytes', origin: 'console' })
    await region(page, 'Live preview').getByRole('listitem').first().waitFor({ timeout: 15_000 })

    await expect.poll(() => page.url()).toContain('#/definitions/e2e_stacks')
    const second = await visit({ hash: new URL(page.url()).hash })
    await second.getByRole('heading', { name: 'e2e_stacks' }).waitFor()
    expect(await second.getByRole('textbox', { name: 'Keys' }).innerText()).toBe('ipsource,first:stack:.:ip')

    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('heading', { name: 'New definition' }).waitFor()
    await expect.poll(() => entry.count()).toBe(0)
    await expect.poll(async () => (await ask('GET', 'api/v1/flows/e2e_stacks')).status).toBe(404)
  })

  test('leaves no preview behind', async () => {
    const page = await visit({ hash: '#/definitions?keys=ipsource&value=frames' })
    const previews = async () => {
      const { flows } = await (await ask('GET', 'api/v1/flows')).json()
      return flows.filter((d: { name: string }) => d.name.startsWith('console_preview_')).length
    }
    await region(page, 'Live preview').getByRole('listitem').first().waitFor({ timeout: 15_000 })
    expect(await previews()).toBe(1)
    expect(await region(page, 'Live preview').innerText()).toMatch(/k\s*packets\/s\s*\u00b1[\d.]+k/)
    expect(await cut(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.goto(weir.url + '#/')
    await expect.poll(previews, { timeout: 10_000 }).toBe(0)
  })

  test('shows an event as soon as a threshold is crossed', async () => {
    const page = await visit()
    const events = region(page, 'Threshold events')
    await events.waitFor()
    const put = await ask('PUT', 'api/v1/thresholds/e2e_low', { metric: 'console_total', value: 1, timeout: 1 })
    expect(put.status).toBe(204)
    await events.getByRole('listitem').filter({ hasText: 'e2e_low' }).first().waitFor({ timeout: 15_000 })
    await events.getByText('going on').first().waitFor()
    expect(await axe(page)).toEqual([])
    expect((await ask('DELETE', 'api/v1/thresholds/e2e_low')).status).toBe(204)
  })

  test('has its view in the address', async () => {
    const page = await visit()
    await page.getByRole('radio', { name: 'sum' }).check({ force: true })
    await page.getByRole('radio', { name: '15 min' }).check({ force: true })
    await region(page, 'Exporters').getByLabel('Search exporters').fill('border')
    await expect.poll(() => page.url()).toContain('search=border')
    const second = await visit({ hash: new URL(page.url()).hash })
    await region(second, 'Exporters').getByText('border1.example.net').waitFor()
    expect(await region(second, 'Exporters').getByRole('row').count()).toBe(3)
    expect(await second.getByRole('radio', { name: 'sum' }).isChecked()).toBe(true)
    expect(await second.getByRole('radio', { name: '15 min' }).isChecked()).toBe(true)
  })

  test('fits and has no fault that axe finds, light and dark, narrow and wide', async () => {
    for (const [width, colorScheme] of [
      [390, 'dark'],
      [1600, 'light'],
    ] as const) {
      const page = await visit({ width, colorScheme })
      await region(page, 'Top pairs').getByRole('listitem').first().waitFor()
      expect(await axe(page)).toEqual([])
      expect(await overflow(page)).toBe(0)
      expect(await cut(page)).toEqual([])
      await page.goto(weir.url + '#/definitions/demo_flood')
      await region(page, 'Live preview').getByRole('listitem').first().waitFor()
      expect(await axe(page)).toEqual([])
      expect(await overflow(page)).toBe(0)
      expect(await cut(page)).toEqual([])
    }
  })
})

describe.skipIf(WHY !== '')('the past of weir demo', () => {
  beforeAll(async () => {
    browser = await launch()
    weir = await startWeir('demo')
  })
  afterAll(async () => {
    await browser?.close()
    expect(await weir?.close()).toBe(0)
  })

  const rows = (page: Page, name: string) => region(page, name).locator('tbody tr')

  /** Waits until the largest host is known, and tells it. */
  async function largestHost(): Promise<{ key: string; readable: string }> {
    const top = async () => (await (await ask('GET', 'api/v1/groups/hosts/toppers?max=1')).json()).toppers?.[0]
    await expect.poll(top, { timeout: 40_000 }).toBeTruthy()
    return top()
  }

  test('counts groups, and shows toppers and keys', async () => {
    const host = await largestHost()
    const page = await visit({ hash: '#/groups' })
    const hosts = rows(page, 'Counter groups').filter({ hasText: /^Hosts\s*hosts/ })
    await expect.poll(() => hosts.innerText(), { timeout: 60_000 }).toMatch(/bit\/s/)
    await hosts.getByRole('link').click()
    await rows(page, 'Toppers').nth(5).waitFor()
    expect(await region(page, 'Toppers').innerText()).toMatch(/\u00b1/)
    await region(page, 'Total').getByRole('img').waitFor()
    await page.goto(`${weir.url}#/groups/hosts/${host.key}`)
    await page.getByRole('heading', { name: host.readable, exact: true }).waitFor()
    await region(page, 'Received').waitFor()
    await rows(page, 'Sessions').first().waitFor()
    await page.getByLabel('Label').fill('e2e largest')
    await region(page, 'About this key').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'e2e largest' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('combobox', { name: 'Find a key of any group' }).fill('e2e lar')
    await page
      .getByRole('option', { name: /e2e largest/ })
      .first()
      .waitFor()
    expect(await axe(page)).toEqual([])
  })

  test('makes a cross-key group, sets it, and deletes it', async () => {
    const page = await visit({ hash: '#/groups?new=crosskey' })
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('e2e_cross')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await expect.poll(() => page.url()).toContain('#/groups/e2e_cross')
    await rows(page, 'Toppers').nth(2).waitFor({ timeout: 40_000 })
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await dialog.getByLabel('Bucket, seconds', { exact: true }).fill('60')
    await dialog.getByLabel('Largest of Packets').fill('7')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const set = async () => (await ask('GET', 'api/v1/groups/e2e_cross')).json()
    await expect.poll(set).toMatchObject({ bucket_s: 60, kind: 'crosskey', parents: ['hosts', 'apps'] })
    expect((await set()).meters.find((m: { id: number }) => m.id === 3)).toMatchObject({ top: 7 })
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await dialog.getByRole('button', { name: 'Delete…' }).click()
    await dialog.getByRole('button', { name: /^Delete it/ }).click()
    await expect.poll(async () => (await ask('GET', 'api/v1/groups/e2e_cross')).status).toBe(404)
  })

  test('says what is wrong with a definition where it is', async () => {
    const page = await visit({ hash: '#/groups?new=keys' })
    await write(page, 'Keys', 'frst:stack:.:ip')
    await page.getByText('Unknown function "frst", at character 1').waitFor()
  })

  test('finds sessions by terms, and shows one', async () => {
    const page = await visit({ hash: '#/sessions?q=proto%3DTCP' })
    await rows(page, 'Sessions').nth(3).waitFor({ timeout: 40_000 })
    await rows(page, 'Sessions').first().getByRole('link').click()
    await page.getByText('Round trip of the handshake').waitFor()
    await page.goto(weir.url + '#/sessions?by=port')
    await rows(page, 'Sessions').nth(3).waitFor()
  })

  test('takes a rule, and alerts', async () => {
    const page = await visit({ hash: '#/alerts?new=1' })
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('e2e_busy')
    await dialog.getByLabel('Above').fill('1K')
    await dialog.getByLabel('For, buckets').first().fill('1')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await region(page, 'Rules').getByText('above 8.00').waitFor()
    await rows(page, 'Active alerts').filter({ hasText: 'e2e_busy' }).first().waitFor({ timeout: 80_000 })
    expect((await ask('DELETE', 'api/v1/alert-rules/e2e_busy')).status).toBe(204)
  })

  test('answers SQL on what is stored, and tells of the store', async () => {
    const page = await visit({ hash: '#/sql?query=' + encodeURIComponent("select 9007199254740993 as n, 'x' as t") })
    await region(page, 'Rows of the answer').getByText('9007199254740993').waitFor()
    await region(page, 'Tables').getByText('sessions', { exact: true }).waitFor()
    await page.goto(weir.url + '#/sql?query=drop+table+sessions')
    await region(page, 'Answer').getByRole('alert').waitFor()
    await page.goto(weir.url + '#/store')
    await rows(page, 'Store').filter({ hasText: 'buckets_5m' }).waitFor()
    await region(page, 'Store').getByText('fine').waitFor()
    expect(await axe(page)).toEqual([])
  })

  for (const [width, colorScheme] of [
    [390, 'dark'],
    [1600, 'light'],
  ] as const) {
    test(`fits and has no fault that axe finds: ${width} pixels, ${colorScheme}`, { timeout: 180_000 }, async () => {
      const host = await largestHost()
      const page = await visit({ width, colorScheme })
      for (const hash of [
        '#/groups',
        '#/groups/hosts',
        `#/groups/hosts/${host.key}`,
        '#/sessions?max=20',
        '#/alerts',
      ]) {
        await page.goto(weir.url + hash)
        await page.waitForTimeout(1000)
        expect(await axe(page), hash).toEqual([])
        expect(await overflow(page), hash).toBe(0)
      }
    })
  }
})

describe.skipIf(WHY !== '')('the console on a replay', () => {
  beforeAll(async () => {
    browser = await launch()
    weir = await startWeir('serve', '--replay', CASE, '--speed', '1x', '--loop')
  })
  afterAll(async () => {
    await browser?.close()
    expect(await weir?.close()).toBe(0)
  })

  test('shows what the file holds, on its own clock', async () => {
    const page = await visit()
    await page.getByRole('banner').getByText('Replay').waitFor()
    await region(page, 'Top sources').getByRole('listitem').first().waitFor({ timeout: 20_000 })
    expect(await region(page, 'Exporters').innerText()).toContain('192.0.2.')
    expect(await axe(page)).toEqual([])
  })
})
