// Takes the picture of the README from a demo that has run for a while: npm run picture [FILE]

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { launch, MISSING, open } from './browser.mjs'
import { NO_WEIR, startWeir } from './real.mjs'

const FILE = process.argv[2] ?? fileURLToPath(new URL('../../docs/console.png', import.meta.url))
const WIDTH = 1600
const HEIGHT = 1244
const WARM_MS = Number(process.env.WARM_S ?? 90) * 1000
const MOST_BYTES = 250_000

if (MISSING || NO_WEIR) {
  console.error('picture: ' + (MISSING || NO_WEIR))
  process.exit(1)
}
const weir = await startWeir('demo')
const browser = await launch()
let picture
try {
  const { page } = await open(browser, { width: WIDTH, height: HEIGHT })
  await page.goto(weir.url + '#/?window=60')
  await page.waitForTimeout(WARM_MS)
  picture = squeeze(await page.screenshot({ timeout: 20_000 }))
} finally {
  await browser.close()
  await weir.close()
}
await writeFile(FILE, picture)
console.log(`${FILE}: ${WIDTH} pixels wide, ${picture.length} bytes`)
if (picture.length > MOST_BYTES) {
  console.error(`picture: more than ${MOST_BYTES} bytes`)
  process.exitCode = 1
}

/**
 * The same PNG in fewer bytes: the browser compresses for speed, and its filters, made for photographs, hide that rows
 * of a page repeat.
 */
function squeeze(png) {
  const chunks = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at))
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data })
  }
  const head = chunks[0].data
  const rows = inflateSync(Buffer.concat(chunks.filter((c) => c.type === 'IDAT').map((c) => c.data)))
  unfilter(rows, head.readUInt32BE(0), head[9] === 6 ? 4 : 3)
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Takes back the filters of rows of 8 bit pixels (PNG, section 9.2), in place. */
function unfilter(rows, width, size) {
  const length = width * size + 1
  for (let row = 0; row < rows.length; row += length) {
    const filter = rows[row]
    rows[row] = 0
    for (let at = row + 1; at < row + length; at++) {
      const left = at - row > size ? rows[at - size] : 0
      const up = row > 0 ? rows[at - length] : 0
      const corner = row > 0 && at - row > size ? rows[at - length - size] : 0
      rows[at] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
    }
  }
}

function paeth(left, up, corner) {
  const guess = left + up - corner
  const [a, b, c] = [left, up, corner].map((v) => Math.abs(guess - v))
  return a <= b && a <= c ? left : b <= c ? up : corner
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
