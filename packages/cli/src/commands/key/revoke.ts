// flowforge key revoke ID|NAME
import type { ApiKey } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure } from '../../failure.ts'
import { plainLine } from '../../output/plain-text.ts'

export const command = defineCommand<object, { wanted: string }>({
  describe: command => command.argument('<key>', 'its id, or its name when no other key has it'),
  parse: ([wanted]) => ({ wanted: wanted! }),
  run: async ({ wanted }, context) => {
    const { flowforge } = await context.connect()
    const matches: ApiKey[] = []
    for await (const key of flowforge.apiKeys.list()) {
      if (key.id === wanted || key.name === wanted) matches.push(key)
    }
    const key = matches.find(match => match.id === wanted) ?? onlyOne(matches, wanted)
    await flowforge.apiKeys.revoke(key.id)
    if (context.output.json) context.output.value({ id: key.id, name: key.name, revoked: true })
    else context.output.line(`Revoked ${plainLine(key.name)}.`)
    return EXIT.success
  },
})

function onlyOne(matches: ApiKey[], wanted: string): ApiKey {
  const [key, ...others] = matches
  if (!key)
    throw new CliFailure(`There is no API key "${wanted}".`, { next: 'List them with: flowforge key list' })
  if (others.length > 0) {
    throw new CliFailure(`${matches.length} API keys are called "${wanted}".`, {
      next: `Give an id: ${matches.map(match => match.id).join(', ')}`,
    })
  }
  return key
}
