// The real binary under a test: started on free ports, with a directory of its own, and ended with it.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const WEIR = process.env.WEIR_BIN ?? fileURLToPath(new URL('../../bin/weir', import.meta.url))

export const NO_WEIR = existsSync(WEIR) ? '' : `no program at ${WEIR}: make build, or set WEIR_BIN`

const FREE_PORTS = ['http', 'sflow', 'netflow', 'ipfix'].flatMap((name) => [`--${name}`, '127.0.0.1:0'])
const START_MS = 30_000
const STOP_MS = 10_000

/** Starts weir with a command such as demo, and answers when its console can be asked. */
export async function startWeir(...command) {
  const home = await mkdtemp(join(tmpdir(), 'weir-e2e-'))
  const child = spawn(WEIR, [...command, ...FREE_PORTS, '--data', join(home, 'data')], { cwd: home })
  let log = ''
  const ended = new Promise((resolve) => child.once('close', resolve))
  const url = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`weir did not start:\n${log}`)), START_MS)
    const read = (chunk) => {
      log += chunk
      const found = /url=(http:\/\/\S+)/.exec(log)
      if (!found || !log.includes('weir is running')) return
      clearTimeout(late)
      resolve(found[1])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    void ended.then((code) => {
      clearTimeout(late)
      reject(new Error(`weir ended with ${code}:\n${log}`))
    })
  })
  const close = async () => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    const code = await ended
    clearTimeout(late)
    await rm(home, { recursive: true, force: true })
    return code
  }
  try {
    return { url: (await url) + 'html/', origin: await url, log: () => log, close }
  } catch (e) {
    await close()
    throw e
  }
}
