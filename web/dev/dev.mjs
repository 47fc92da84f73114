// Runs Vite with live rebuild, and the made-up server beside it unless WEIR_URL names a real one.

import { createServer } from 'vite'
import { startMock } from './mock.mjs'

if (!process.env.WEIR_URL) await startMock({ port: 8018, warm: 120 })
const vite = await createServer()
await vite.listen()
vite.printUrls()
