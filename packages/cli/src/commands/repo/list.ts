// flowforge repo list
import type { Repository } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'
import { type Column, printTable } from '../../output/table.ts'

const COLUMNS: Column<Repository>[] = [
  { title: 'NAME', text: repository => plainLine(repository.name) },
  { title: 'COMES FROM', text: repository => plainLine(repository.url ?? 'hosted here'), flexible: true },
  { title: 'DEFAULT BRANCH', text: repository => plainLine(repository.defaultBranch ?? '') },
]

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge } = await context.connect()
    const repositories: Repository[] = []
    for await (const repository of flowforge.repositories.list({ limit: 100 })) repositories.push(repository)
    if (context.output.json) context.output.value(repositories)
    else if (repositories.length === 0) {
      context.output.message('No repositories. Add one with: flowforge repo add NAME URL')
    } else printTable(context.output, COLUMNS, repositories)
    return EXIT.success
  },
})
