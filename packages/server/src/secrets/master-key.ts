// Where the master key comes from: the configuration, else a file in the data folder that is made once, mode 0600.
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlowForgeError } from '../errors.ts'

export function loadMasterKey({
  configured,
  dataDirectory,
}: {
  configured: string | null
  dataDirectory: string
}): Buffer {
  if (configured) return Buffer.from(configured, 'base64')
  const file = join(dataDirectory, 'master-key')
  const found = read(file) ?? make(file)
  const key = Buffer.from(found.trim(), 'base64')
  if (key.length !== 32)
    throw new FlowForgeError(
      'config_invalid',
      `${file} does not hold 32 bytes in base64. Restore it from your backup.`,
    )
  return key
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and linked: two first starts at once agree on one key, and a crash leaves no half of one. */
function make(file: string): string {
  const draft = `${file}.${process.pid}.draft`
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}
