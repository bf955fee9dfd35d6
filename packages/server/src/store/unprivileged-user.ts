// Whom a program runs as that refuses to be root: chosen here, with the check that this user can reach a folder.
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { FlowForgeError } from '../errors.ts'

export interface UnixUser {
  uid: number
  gid: number
}

/** Undefined = run as we are. The owner of existing data wins, since a later `postgres` user could not read it. */
export const chooseUnprivilegedUser = async (existingData: string): Promise<UnixUser | undefined> => {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(existingData).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const accounts = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map(l => l.split(':'))
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const account = accounts.find(fields => fields[0] === name)
    const [uid, gid] = [Number(account?.[2]), Number(account?.[3])]
    if (uid > 0 && gid > 0) return { uid, gid }
  }
  return { uid: 65534, gid: 65534 }
}

/** /root is closed to everybody else: data below it can't be used by an unprivileged user. */
export const assertReachable = async (directory: string, user: UnixUser): Promise<void> => {
  let folder = path.resolve(directory)
  while (folder !== path.dirname(folder)) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) {
      throw new FlowForgeError(
        'config_invalid',
        `The embedded Postgres does not run as root, and its user (uid ${user.uid}) can not enter ${folder}. Set FLOWFORGE_DATA_DIR to a folder that others may pass through, such as /var/lib/flowforge.`,
      )
    }
    folder = path.dirname(folder)
  }
}
