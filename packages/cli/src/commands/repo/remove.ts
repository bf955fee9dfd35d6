// flowforge repo remove NAME: asks first where someone can answer, since a hosted repository is gone for good.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure } from '../../failure.ts'
import { plainLine } from '../../output/plain-text.ts'
import { requireRepository } from '../../repositories.ts'

export interface RemoveFlags {
  yes?: boolean
}

export const command = defineCommand<RemoveFlags, { name: string; ask: boolean }>({
  describe: command => command.argument('<name>', 'its name or id').option('-y, --yes', "don't ask"),
  parse: ([name], { yes }) => ({ name: name!, ask: !yes }),
  run: async ({ name, ask }, context) => {
    const { flowforge } = await context.connect()
    const repository = await requireRepository(flowforge, name)
    const called = plainLine(repository.name)
    if (
      ask &&
      context.stdinIsTerminal &&
      context.output.isTerminal &&
      !(await confirm(called, repository.url === null))
    ) {
      throw new CliFailure('Nothing was removed.', { exitCode: EXIT.cancelled })
    }
    await flowforge.repositories.remove(repository.id)
    if (context.output.json) context.output.value({ id: repository.id, name: repository.name, removed: true })
    else context.output.line(`Removed ${called}.`)
    return EXIT.success
  },
})

async function confirm(name: string, hosted: boolean): Promise<boolean> {
  const prompts = await import('@clack/prompts')
  const loss = hosted ? ' Its commits are stored nowhere else by FlowForge.' : ''
  return (
    (await prompts.confirm({
      message: `Remove ${name}?${loss}`,
      initialValue: false,
      output: process.stderr,
    })) === true
  )
}
