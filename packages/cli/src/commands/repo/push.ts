// flowforge repo push NAME [PATH]: makes a hosted repository hold what a work tree has committed.
import { resolve } from 'node:path'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { pushHead } from '../../git/hosted-remote.ts'
import { hostedRepositoryNamed } from '../../git/hosted-repository.ts'
import { readWorkTree } from '../../git/work-tree.ts'
import { plainLine } from '../../output/plain-text.ts'

export const command = defineCommand<object, { name: string; path: string }>({
  describe: command =>
    command
      .argument('<name>', 'a hosted repository; made when there is none')
      .argument('[path]', 'the work tree', '.'),
  parse: ([name, path]) => ({ name: name!, path: path! }),
  run: async ({ name, path }, context) => {
    const workTree = await readWorkTree(resolve(context.cwd, path))
    const { repository, remote } = await hostedRepositoryNamed(name, await context.connect())
    await pushHead(workTree, remote, context.environment)
    const { branch, head } = workTree
    if (context.output.json) context.output.value({ repository, branch, commit: head })
    else context.output.line(`Pushed ${branch} (${head.slice(0, 7)}) to ${plainLine(repository.name)}.`)
    return EXIT.success
  },
})
