// What of a broker's URL may be shown: no login, no options.

/** host:port/path, with the port that its protocol implies. */
export function addressOf(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url)
  const path = pathname === '/' ? '' : pathname
  return `${hostname}:${port || DEFAULT_PORTS[protocol]}${path}`
}

const DEFAULT_PORTS: Record<string, string> = {
  'amqp:': '5672',
  'amqps:': '5671',
  'redis:': '6379',
  'rediss:': '6379',
}
