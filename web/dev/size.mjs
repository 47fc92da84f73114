// Measures what a browser loads at most: every file of dist, compressed one by one. Fails above the limit.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const LIMIT = 300_000
const dist = new URL('../dist/', import.meta.url)

const names = (await readdir(fileURLToPath(dist), { recursive: true, withFileTypes: true }).catch(() => [])).filter(
  (f) => f.isFile(),
)
if (names.length === 0) {
  console.error('size: dist is empty; run npm run build first')
  process.exit(1)
}
let total = 0
for (const f of names) {
  const path = `${f.parentPath}/${f.name}`
  const plain = await readFile(path)
  const packed = gzipSync(plain, { level: 6 }).length
  total += packed
  console.log(
    `${String(packed).padStart(8)} B gzip ${String(plain.length).padStart(8)} B  ${f.name}`,
  )
}
console.log(`${String(total).padStart(8)} B gzip in total, ${LIMIT} B allowed`)
if (total > LIMIT) {
  console.error(`size: ${total - LIMIT} B too much`)
  process.exit(1)
}
