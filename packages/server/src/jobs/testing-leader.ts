// A process that only leads, for the tests of who sweeps: prints `leads` and `lost`.
import { setTimeout as delay } from 'node:timers/promises'
import { createLeaderLock } from '../store/leader-lock.ts'

const [connection = '', key = '', silenceMs = ''] = process.argv.slice(2)
const lock = createLeaderLock(JSON.parse(connection), { key: Number(key), silenceMs: Number(silenceMs) })
let leads = false
for (;;) {
  const now = await lock.hold().catch(() => false)
  if (now !== leads) process.stdout.write(now ? 'leads\n' : 'lost\n')
  leads = now
  await delay(50)
}
