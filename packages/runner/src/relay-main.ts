// The program of the relay beside a container in network mode: passes every connection on to the gateway's port, and holds
// it while the gateway is away. Holds no token. Usage: relay.mjs LISTEN_PORT HOST:PORT
import { startRelay } from './relay.ts'

/** As long as the runner itself would wait. */
const PATIENCE_MS = 5 * 60_000

const [listenPort = '', target = ''] = process.argv.slice(2)
const [, host, port] = /^(.+):(\d+)$/.exec(target) ?? []
if (!/^\d+$/.test(listenPort) || !host || !port) {
  process.stderr.write('Usage: relay.mjs LISTEN_PORT HOST:PORT\n')
  process.exit(64)
}
await startRelay({
  // Each container has a relay of its own; who else reaches it still needs the token.
  host: '0.0.0.0',
  port: Number(listenPort),
  address: { host: host.replace(/^\[|\]$/g, ''), port: Number(port), tls: false },
  patienceMs: PATIENCE_MS,
})
