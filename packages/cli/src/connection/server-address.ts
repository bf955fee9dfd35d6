// Which server is meant: --url, FLOWFORGE_URL, the one signed in to, or the one on this machine.
import { usageError } from '../failure.ts'

export const DEFAULT_URL = 'http://127.0.0.1:7420'

export interface ServerAddress {
  /** Without a slash at the end. */
  url: string
  isLoopback: boolean
}

export function parseServerUrl(text: string): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usageError(`"${text}" is not the address of a server.`, 'Give one such as http://127.0.0.1:7420')
  }
  if (url.username || url.password) {
    throw usageError('The address of a server holds no password.', 'Sign in with: flowforge login')
  }
  return {
    url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    isLoopback: isLoopbackHost(url.hostname),
  }
}

export const chooseServer = (sources: {
  flag: string | undefined
  variable: string | undefined
  configured: string | undefined
}): ServerAddress => parseServerUrl(sources.flag || sources.variable || sources.configured || DEFAULT_URL)

const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
