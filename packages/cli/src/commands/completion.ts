// flowforge completion SHELL
import { Argument } from 'commander'
import { defineCommand } from '../command.ts'
import { completionScript, type Shell } from '../completion/scripts.ts'
import { EXIT } from '../exit-codes.ts'

export const command = defineCommand<object, { shell: Shell }>({
  describe: command =>
    command
      .addArgument(new Argument('<shell>', 'the shell to complete in').choices(['bash', 'zsh', 'fish']))
      .addHelpText('after', INSTALL),
  parse: ([shell]) => ({ shell: shell as Shell }),
  run: async ({ shell }, context) => {
    // Here alone the whole tree is needed.
    const { buildProgram, loadAllCommands } = await import('../program.ts')
    const nowhere = { write: () => {} }
    const program = buildProgram({ stdout: nowhere, stderr: nowhere, version: '' }, async () => {})
    await loadAllCommands(program)
    context.output.raw(completionScript(shell, program))
    return EXIT.success
  },
})

const INSTALL = `
Set up:
  bash   echo 'source <(flowforge completion bash)' >> ~/.bashrc
  zsh    echo 'source <(flowforge completion zsh)' >> ~/.zshrc
  fish   flowforge completion fish > ~/.config/fish/completions/flowforge.fish`
