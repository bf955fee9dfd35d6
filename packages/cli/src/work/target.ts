// Which repository a task works on: one that FlowForge knows, one by its URL, or the work tree the user stands in.
import type { Repository } from '@flowforge/sdk'
import type { Connection, Context } from '../context.ts'
import type { HostedRemote } from '../git/hosted-remote.ts'
import type { WorkTree } from '../git/work-tree.ts'
import { plainLine } from '../output/plain-text.ts'
import { findByUrl, freeName, isGitUrl, requireRepository } from '../repositories.ts'

/** `here`: the Git work tree that the command was started in. */
export type TargetChoice = { kind: 'here' } | { kind: 'named'; text: string }

export type Target =
  | { kind: 'work tree'; repository: Repository; workTree: WorkTree; remote: HostedRemote }
  | { kind: 'known'; repository: Repository }

export async function chooseTarget(
  choice: TargetChoice,
  connection: Connection,
  context: Context,
): Promise<Target> {
  if (choice.kind === 'named') {
    const repository = isGitUrl(choice.text)
      ? await repositoryOfUrl(choice.text, connection, context)
      : await requireRepository(connection.flowforge, choice.text)
    return { kind: 'known', repository }
  }
  // Git is needed for this kind alone.
  const { readWorkTree } = await import('../git/work-tree.ts')
  return pushWorkTree(await readWorkTree(context.cwd), connection, context)
}

async function pushWorkTree(workTree: WorkTree, connection: Connection, context: Context): Promise<Target> {
  const { hostedRepositoryOf } = await import('../git/hosted-repository.ts')
  const { pushHead } = await import('../git/hosted-remote.ts')
  if (workTree.hasUncommittedChanges) {
    context.output.message('Note: uncommitted changes are not included; the job starts from the last commit.')
  }
  const { repository, remote } = await hostedRepositoryOf(workTree, connection, context.environment)
  await pushHead(workTree, remote, context.environment)
  const print = context.output.json ? context.output.message : context.output.line
  print(`Pushed ${workTree.branch} (${workTree.head.slice(0, 7)}) to ${plainLine(repository.name)}`)
  return { kind: 'work tree', repository, workTree, remote }
}

async function repositoryOfUrl(
  url: string,
  { flowforge }: Connection,
  context: Context,
): Promise<Repository> {
  const known = await findByUrl(flowforge, url)
  if (known) return known
  const { repositoryName } = await import('../git/work-tree.ts')
  const name = await freeName(flowforge, repositoryName(url))
  const repository = await flowforge.repositories.create({ name, url })
  context.output.message(`Added ${plainLine(repository.name)} (${plainLine(url)}).`)
  return repository
}
