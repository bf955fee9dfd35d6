// flowforge repo allow NAME [DOMAIN…]: lets the repository's jobs reach domains; without one it lists them. --remove takes them away.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'
import { requireRepository } from '../../repositories.ts'

export interface AllowFlags {
  remove?: boolean
}

export const command = defineCommand<AllowFlags, { name: string; domains: string[]; remove: boolean }>({
  describe: command =>
    command
      .argument('<name>', 'the repository, by name or id')
      .argument('[domains...]', 'domains such as example.org, or *.example.org for what lies below it')
      .option('--remove', 'take them off the list'),
  parse: ([name, ...domains], { remove }) => ({ name: name!, domains, remove: remove === true }),
  run: async ({ name, domains, remove }, context) => {
    const { flowforge } = await context.connect()
    const repository = await requireRepository(flowforge, name)
    const before = repository.egress.allow
    const wanted = remove
      ? before.filter(domain => !domains.includes(domain))
      : [...new Set([...before, ...domains])]
    const allow =
      domains.length === 0 ? before : await flowforge.repositories.setEgress(repository.id, wanted)
    if (context.output.json) context.output.value({ id: repository.id, name: repository.name, allow })
    else for (const line of describe(repository.name, allow)) context.output.line(line)
    return EXIT.success
  },
})

const describe = (name: string, allow: string[]): string[] =>
  allow.length === 0
    ? [`Jobs of ${plainLine(name)} reach nothing but the gateway.`]
    : [`Jobs of ${plainLine(name)} may reach:`, ...allow.map(domain => `  ${plainLine(domain)}`)]
