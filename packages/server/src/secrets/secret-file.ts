// A secret of this machine in a file: made once, readable by its owner alone, whole or not there.
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** What the file holds, and whether it was made now. Of several processes that start at once all get the same. */
export function readOrMakeSecret(file: string, make: () => string): { secret: string; isNew: boolean } {
  const found = read(file)
  if (found !== undefined) return { secret: found, isNew: false }
  const isNew = place(file, `${make()}\n`)
  return { secret: readFileSync(file, 'utf8').trim(), isNew }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and linked: a crash or a full disk leaves no half of a secret. False: another process was first. */
function place(file: string, text: string): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}
