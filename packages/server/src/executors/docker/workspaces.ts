// The disk behind /workspace: a sparse file with a file system of exactly the size that the attempt may use, mounted by
// the daemon as a volume. Where that can't be had, a plain volume without limit. It knows nothing of containers.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FlowForgeError, isFlowForgeError } from '../../errors.ts'
import { SANDBOX_USER, type WorkspaceVolume } from '../profile.ts'

export interface Workspaces {
  /** Shown by `doctor`; the sentence says why when the size is not enforced. */
  readonly facts: { workspaceSize: string }
  /** The volume of this name, as it will be once it is prepared: known before, so that both are made at the same time. */
  volume(name: string): WorkspaceVolume
  prepare(name: string, bytes: number): Promise<PreparedWorkspace>
  /** Makes the disk of a container that has ended ready for another one. Fails when somebody still has it mounted. */
  reopen(name: string): Promise<PreparedWorkspace>
  /** After the container's start: the kernel frees the loop device by itself when the daemon unmounts the volume. */
  mounted(name: string): Promise<void>
  /** Deletes what this name has on disk; nothing there is no error. */
  remove(name: string): Promise<void>
  /** Deletes what belongs to none of these names, but for what may just be being made. */
  sweep(liveNames: ReadonlySet<string>): Promise<void>
}

export interface PreparedWorkspace {
  /** Gives the workspace its name: the container that was made of this name is ours. */
  commit(): Promise<void>
  discard(): Promise<void>
}

export const plainWorkspaces = (reason: string): Workspaces => ({
  facts: { workspaceSize: `not enforced: ${reason}` },
  volume: () => ({ driverOptions: {} }),
  prepare: async () => ({ commit: async () => {}, discard: async () => {} }),
  reopen: async () => ({ commit: async () => {}, discard: async () => {} }),
  mounted: async () => {},
  remove: async () => {},
  sweep: async () => {},
})

/** `noinit_itable`: else the kernel would fill in unused inode tables, and the sparse file with them. */
const MOUNT_OPTIONS = 'nosuid,nodev,noatime,noinit_itable'
/** Below this the machine is full, whatever the sparse files promise. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024

export const loopWorkspaces = (options: { root: string; abandonedAfterMs: number }): Workspaces => {
  const { root, abandonedAfterMs } = options
  const templates = new Map<number, Promise<string>>()
  const templateFor = (bytes: number): Promise<string> => {
    const known = templates.get(bytes)
    if (known) return known
    const made = ensureTemplate(root, bytes)
    made.catch(() => templates.delete(bytes))
    templates.set(bytes, made)
    return made
  }
  const deviceLink = (name: string) => path.join(root, `${name}.device`)
  return {
    facts: { workspaceSize: 'enforced (ext4 on a loop device)' },
    volume: name => ({ driverOptions: { type: 'ext4', device: deviceLink(name), o: MOUNT_OPTIONS } }),
    prepare: async (name, bytes) => {
      await assertFree(root, bytes)
      const image = path.join(root, `${name}.${randomBytes(4).toString('hex')}.image`)
      const discard = (device?: string) => removeImage(image, device)
      try {
        await run('cp', ['--sparse=always', '--', await templateFor(bytes), image])
        const device = (await run('losetup', ['--find', '--show', '--', image])).trim()
        return {
          commit: () => replaceLink(deviceLink(name), device),
          discard: () => discard(device),
        }
      } catch (error) {
        await discard()
        templates.delete(bytes)
        throw error
      }
    },
    reopen: async name => {
      const [image] = (await filesOf(root, name)).filter(isImage)
      if (!image) throw new FlowForgeError('no_capacity', 'The workspace is not there any more.')
      await untilUnmounted(image)
      const device = (await run('losetup', ['--find', '--show', '--', image])).trim()
      return {
        commit: () => replaceLink(deviceLink(name), device),
        discard: () => run('losetup', ['--detach', device]).then(() => {}),
      }
    },
    mounted: async name => {
      const images = (await filesOf(root, name)).filter(isImage)
      for (const { device } of await loopDevices(images)) await run('losetup', ['--detach', device])
      await rm(deviceLink(name), { force: true })
    },
    remove: name => removeAll(root, name),
    sweep: async liveNames => {
      const before = Date.now() - abandonedAfterMs
      for (const name of await namesIn(root)) {
        if (!liveNames.has(name) && (await newestChange(root, name)) < before) await removeAll(root, name)
      }
    },
  }
}

/** Whether loop devices work here, tried with a small one. Undefined = they do. */
export const whyNoLoopDevices = async (root: string): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    await (await loopWorkspaces({ root, abandonedAfterMs: 0 }).prepare('probe', 16 * 1024 * 1024)).discard()
    return undefined
  } catch (error) {
    // A disk that is full today is no reason to give up limits.
    if (isFlowForgeError(error, 'disk_full')) throw error
    return `loop devices can not be used here (${error instanceof Error ? error.message : error})`
  }
}

/** Copied for every attempt in 4 ms; mkfs and the removal of lost+found would take 22. */
const ensureTemplate = async (root: string, bytes: number): Promise<string> => {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const template = path.join(root, `template-${bytes}.ext4`)
  if (await exists(template)) return template
  const unfinished = `${template}.${randomBytes(4).toString('hex')}`
  await writeFile(unfinished, '')
  await truncate(unfinished, bytes)
  await run('mkfs.ext4', [...MKFS_OPTIONS, unfinished])
  await run('debugfs', ['-w', '-R', 'rmdir lost+found', unfinished])
  await syncFile(unfinished)
  await rename(unfinished, template)
  return template
}

/** A power cut must not leave a template that looks whole: every later workspace would be broken. */
const syncFile = async (file: string): Promise<void> => {
  await using handle = await open(file, 'r+')
  await handle.sync()
}

/**
 * No journal: a workspace does not outlive its machine's crash. No spare superblocks and lazy tables: 160 KB on disk
 * for 20 GB. Many inodes, for node_modules.
 */
const MKFS_OPTIONS = [
  ...['-q', '-F', '-m', '0', '-i', '8192'],
  ...['-O', '^has_journal,^resize_inode,metadata_csum,uninit_bg,sparse_super2'],
  '-E',
  `root_owner=${SANDBOX_USER.uid}:${SANDBOX_USER.gid},lazy_itable_init=1,nodiscard,num_backup_sb=0`,
]

const assertFree = async (root: string, bytes: number): Promise<void> => {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(root)
  if (bavail * bsize >= Math.min(bytes, LEAST_FREE_BYTES)) return
  const freeMib = Math.floor((bavail * bsize) / 1024 / 1024)
  throw new FlowForgeError(
    'disk_full',
    `Only ${freeMib} MiB are free in ${root}, too little for a workspace: free some space there.`,
  )
}

/** The daemon unmounts a moment after the container's end, and the kernel frees the device then. */
const untilUnmounted = async (image: string): Promise<void> => {
  for (let tries = 0; (await loopDevices([image])).length > 0; tries += 1) {
    if (tries >= UNMOUNT_TRIES)
      throw new FlowForgeError('no_capacity', 'The workspace is still mounted: two containers would ruin it.')
    await delay(UNMOUNT_PAUSE_MS)
  }
}
const UNMOUNT_TRIES = 100
const UNMOUNT_PAUSE_MS = 50

const replaceLink = async (link: string, target: string): Promise<void> => {
  const unfinished = `${link}.${randomBytes(4).toString('hex')}`
  await symlink(target, unfinished)
  await rename(unfinished, link)
}

const removeAll = async (root: string, name: string): Promise<void> => {
  for (const file of await filesOf(root, name)) {
    if (isImage(file)) await removeImage(file)
    else await rm(file, { force: true })
  }
}

const removeImage = async (image: string, knownDevice?: string): Promise<void> => {
  const devices = knownDevice ? [{ device: knownDevice }] : await loopDevices([image])
  for (const { device } of devices) {
    // Only after a crash of the daemon is it still mounted.
    for (const mountPoint of await mountPointsOf(device))
      await run('umount', ['--', mountPoint]).catch(() => {})
    await run('losetup', ['--detach', device]).catch(() => {})
  }
  await rm(image, { force: true })
}

const isImage = (file: string): boolean => file.endsWith('.image')

/** `<name>.<rest>`; a name has no dot. */
const filesOf = async (root: string, name: string): Promise<string[]> =>
  (await readdir(root).catch(() => []))
    .filter(file => file.split('.')[0] === name)
    .map(file => path.join(root, file))

const namesIn = async (root: string): Promise<Set<string>> => {
  const files = await readdir(root).catch(() => [])
  return new Set(files.filter(file => !file.startsWith('template-')).map(file => file.split('.')[0] ?? file))
}

const newestChange = async (root: string, name: string): Promise<number> => {
  const times = (await filesOf(root, name)).map(file =>
    stat(file)
      .then(found => found.mtimeMs)
      .catch(() => 0),
  )
  return Math.max(0, ...(await Promise.all(times)))
}

const loopDevices = async (images: string[]): Promise<{ device: string; image: string }[]> => {
  const blocks = (await readdir('/sys/block')).filter(name => name.startsWith('loop'))
  const used = blocks.map(async name => {
    const image = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')
    return { device: `/dev/${name}`, image: image.trimEnd() }
  })
  return (await Promise.all(used)).filter(({ image }) => images.includes(image))
}

/** By the device's number: the mount table names the link that the daemon was given. */
const mountPointsOf = async (device: string): Promise<string[]> => {
  const number = (await readFile(`/sys/block/${path.basename(device)}/dev`, 'utf8')).trim()
  return (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map(line => line.split(' '))
    .filter(fields => fields[2] === number)
    .map(fields => unescapeMountPoint(fields[4] ?? ''))
}

/** Spaces and the like stand in the table as \040. */
const unescapeMountPoint = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

const run = async (program: string, args: string[]): Promise<string> => {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  try {
    return (await promisify(execFile)(program, args, { env, timeout: 60_000 })).stdout
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || String(cause)
    const code = said.includes('No space left') ? 'disk_full' : 'no_capacity'
    throw new FlowForgeError(code, `The workspace could not be made: ${said}`, { cause })
  }
}
