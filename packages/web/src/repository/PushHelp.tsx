// How to fill a repository that FlowForge hosts: the lines to paste, and what Git asks for.
import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../api/queries.ts'
import type { Repository } from '../api/types.ts'
import { CommandLine } from '../ui/CopyButton.tsx'
import { gitAddress, shellWord } from './git-address.ts'

export function PushHelp({ repository }: { repository: Repository }) {
  const me = useQuery(meQuery)
  if (!me.data) return null
  const address = gitAddress(window.location.origin, me.data.organization.slug, repository.name)
  return (
    <div className="space-y-1.5">
      <CommandLine
        command={`git push ${shellWord(address)} HEAD:refs/heads/${shellWord(repository.defaultBranch || 'main')}`}
        label="Copy the push command"
      />
      <p className="text-xs text-ink-3">
        Git asks for a password: give it an API key. Any user name will do. Or{' '}
        <code className="font-mono text-ink-2">flowforge repo push {shellWord(repository.name)}</code>.
      </p>
    </div>
  )
}
