// Where people push to and fetch from, and the commands for it. Pure.
import type { Repository } from '../api/types.ts'

export const isHosted = (repository: Repository): boolean => !repository.url

export const gitAddress = (origin: string, organization: string, repository: string): string =>
  `${origin}/git/${encodeURIComponent(organization)}/${encodeURIComponent(repository)}.git`

/** For a shell: quoted unless it is plain. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", `'\\''`)}'`

export function fetchCommand(address: string, branch: string): string {
  // A refspec, not a bare word: it can't be taken for an option.
  return `git fetch ${shellWord(address)} ${shellWord(`refs/heads/${branch}`)} && git switch -c ${shellWord(branch)} FETCH_HEAD`
}
