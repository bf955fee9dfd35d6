// Object storage in a folder of this machine: the default. An object is written aside, flushed, and renamed into its
// place, so that a crash or a full disk leaves no half of one.
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { checkByUse } from './check-by-use.ts'
import { requireKey } from './keys.ts'
import { withNamedErrors } from './named-errors.ts'
import type { ObjectStorage, StoredObject } from './port.ts'

/** Not a name that a key can begin with: no object is ever taken for a draft. */
const DRAFTS = '@drafts'
/** No put takes as long; what is older is from a process that died. */
const OLD_DRAFT_MS = 24 * 60 * 60 * 1000

export function createFileStorage({ directory }: { directory: string }): ObjectStorage {
  const drafts = join(directory, DRAFTS)
  const pathOf = (key: string) => join(directory, requireKey(key))
  const named = (error: unknown) => nameFileError(error, directory)

  const storage: Omit<ObjectStorage, 'check'> = {
    put: async (key, body) => {
      const path = pathOf(key)
      const draft = join(drafts, randomUUID())
      try {
        await mkdir(drafts, { recursive: true, mode: 0o700 })
        await writeDraft(draft, body)
        await place(draft, path)
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {})
        throw named(error)
      }
    },
    get: async key => {
      const path = pathOf(key)
      try {
        const file = await openIfThere(path)
        return file && withNamedErrors(file.createReadStream(), named)
      } catch (error) {
        throw named(error)
      }
    },
    list: async function* (prefix) {
      try {
        // Only a whole part of the prefix is a folder: `a/b` may mean `a/b/c` or `a/bc`.
        const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
        yield* walk(directory, start, prefix)
      } catch (error) {
        throw named(error)
      }
    },
    delete: async keys => {
      try {
        for (const path of keys.map(pathOf)) {
          await rm(path, { force: true })
          await removeEmptyFolders(dirname(path), directory)
        }
      } catch (error) {
        throw named(error)
      }
    },
  }
  const check = checkByUse(storage, `files in ${directory}`)
  return {
    ...storage,
    check: async () => {
      await removeOldDrafts(drafts).catch(() => {})
      return check()
    },
  }
}

async function writeDraft(draft: string, body: Uint8Array | Readable): Promise<void> {
  const file = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(body instanceof Uint8Array ? [body] : body, file)
}

/** A delete may take the folder away between the two steps: then once more. */
async function place(draft: string, path: string, triesLeft = 5): Promise<void> {
  const folder = dirname(path)
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await rename(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || triesLeft === 0) throw error
    return place(draft, path, triesLeft - 1)
  }
  await flushFolder(folder)
  if (made) await flushFolder(dirname(made))
}

/** A new name is on the disk only when its folder is (man 2 fsync). */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
    return null
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

async function* walk(directory: string, folder: string, prefix: string): AsyncGenerator<StoredObject> {
  for (const { name, isFolder } of await entriesOf(join(directory, folder))) {
    const key = folder + name
    if (isFolder && (key.startsWith(prefix) || prefix.startsWith(`${key}/`)))
      yield* walk(directory, `${key}/`, prefix)
    if (isFolder || !key.startsWith(prefix)) continue
    const found = await stat(join(directory, key)).catch(ignoreMissing)
    if (found) yield { key, sizeBytes: found.size, modifiedAt: found.mtime }
  }
}

async function entriesOf(path: string): Promise<Array<{ name: string; isFolder: boolean }>> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(ignoreMissing)) ?? []
  const sortName = (entry: { name: string; isFolder: boolean }) => entry.name + (entry.isFolder ? '/' : '')
  return (
    entries
      .filter(entry => entry.name !== DRAFTS)
      .map(entry => ({ name: entry.name, isFolder: entry.isDirectory() }))
      // By what follows in the key, so that `a-b` comes before `a/b` as it does in S3.
      .sort((one, other) => (sortName(one) < sortName(other) ? -1 : 1))
  )
}

async function removeEmptyFolders(folder: string, upTo: string): Promise<void> {
  for (let path = folder; path.length > upTo.length; path = dirname(path)) {
    try {
      await rmdir(path)
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) return
      if (!isMissing(error)) throw error
    }
  }
}

async function removeOldDrafts(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name)
    const found = await stat(path).catch(ignoreMissing)
    if (found && found.mtimeMs < Date.now() - OLD_DRAFT_MS) await rm(path, { force: true })
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''
const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
const ignoreMissing = (error: unknown): undefined => {
  if (!isMissing(error)) throw error
}

/** What the file system says becomes ours; what the body of a put says stays as it is. */
function nameFileError(error: unknown, directory: string): unknown {
  if (isFlowForgeError(error)) return error
  const { syscall } = error as NodeJS.ErrnoException
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FlowForgeError('disk_full', `No space is left in ${directory}. Free some, then try again.`, {
      cause: error,
    })
  if (!syscall) return error
  return new FlowForgeError(
    'storage_unavailable',
    `The objects in ${directory} can not be used (${code} on ${syscall}). See that the disk is there and that FlowForge may write to it.`,
    { cause: error },
  )
}
