// Who is in a process group, by Linux's /proc. Elsewhere nobody is found.
import { readdir, readFile } from 'node:fs/promises'

/** Command lines of the living; a dead one that nobody has waited for yet does not count. */
export async function groupMembers(group: number): Promise<string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const members = await Promise.all(ids.map(id => commandIfMember(id, group)))
  return members.filter(command => command !== undefined)
}

async function commandIfMember(id: string, group: number): Promise<string | undefined> {
  try {
    const status = await readFile(`/proc/${id}/stat`, 'utf8')
    // After the name, which is in parentheses and may hold anything: state, parent, group.
    const [state, , itsGroup] = status.slice(status.lastIndexOf(')') + 2).split(' ')
    if (Number(itsGroup) !== group || state === 'Z' || state === 'X') return undefined
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8')
    return command.replaceAll('\0', ' ').trim() || id
  } catch {
    return undefined // It ended while we looked.
  }
}
