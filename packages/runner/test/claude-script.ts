// Short words for what the scripted model answers.
import type { Answer, Script } from './messages-api.ts'

let uses = 0

/** Runs a shell command through Claude Code's tool. */
export const bash = (command: string, text = 'On it.'): Answer => {
  uses += 1
  return {
    blocks: [
      { type: 'text', text },
      { type: 'tool_use', id: `toolu_${uses}`, name: 'Bash', input: { command, description: 'Runs it' } },
    ],
  }
}

export const say = (text: string): Answer => ({ blocks: [{ type: 'text', text }] })

export const refuse = (status: number, type: string, message: string): Answer => ({
  status,
  error: { type, message },
})

/** One answer after the other; the last one again when there are more requests. */
export const steps =
  (...answers: Answer[]): Script =>
  (_request, index) =>
    answers[Math.min(index, answers.length - 1)] ?? say('Nothing more.')
