// flowforge job reply ID [TEXT]: to Claude as it works, to what it asks, or to take a finished job up again.
import type { Approval, FlowForge, Reply } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { usageError } from '../../failure.ts'
import { chosen, questionsIn } from '../../live/request-text.ts'
import { collect, parseJobId } from '../../values.ts'

export interface ReplyFlags {
  answer?: string[]
  tokenStdin?: boolean
}

export interface ReplyOptions {
  id: string
  /** Undefined with `fromStdin`: it stands there. */
  text: string | undefined
  fromStdin: boolean
  answers: Record<string, string>
}

export const command = defineCommand<ReplyFlags, ReplyOptions>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .argument('[text]', 'what to say, or the number of an option; - or nothing reads it from stdin')
      .option(
        '--answer <question=answer>',
        "answer one of several questions, by its number or its heading: --answer '1=Blue'; may be given again",
        collect,
      )
      .addHelpText('after', EXAMPLES),
  parse: parseReply,
  run: async ({ id, text, fromStdin, answers }, context) => {
    const words = fromStdin ? (await context.readStdin()).trim() : text
    if (fromStdin && words === '') throw usageError('There is no reply on stdin.')
    const { flowforge } = await context.connect()
    const reply = await replyFor(flowforge, id, words, answers)
    const job = await flowforge.jobs.reply(id, reply)
    if (context.output.json) context.output.value(job)
    else
      context.output.line(`Job #${job.number} has your reply. Follow it: flowforge job logs -f ${job.number}`)
    return EXIT.success
  },
})

export function parseReply([id, text]: string[], flags: ReplyFlags): ReplyOptions {
  const answers = Object.fromEntries((flags.answer ?? []).map(splitAnswer))
  const hasAnswers = Object.keys(answers).length > 0
  const fromStdin = text === '-' || (text === undefined && !hasAnswers)
  if (fromStdin && flags.tokenStdin) throw usageError('Stdin holds the reply or the API key, not both.')
  if (text !== undefined && text.trim() === '') throw usageError('The reply is empty.')
  return { id: parseJobId(id), text: fromStdin ? undefined : text, fromStdin, answers }
}

function splitAnswer(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1)
    throw usageError(`--answer ${text}: write QUESTION=ANSWER, such as '1=Blue'.`)
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** A number alone means an option, where one question is asked. */
async function replyFor(
  flowforge: FlowForge,
  id: string,
  text: string | undefined,
  answers: Record<string, string>,
): Promise<Reply> {
  if (Object.keys(answers).length > 0) return { answers, ...(text === undefined ? {} : { text }) }
  if (text === undefined || !/^\d([\s,]+\d)*$/.test(text.trim())) return { text: text ?? '' }
  const asked = (await flowforge.jobs.approvals(id)).find(isOpenQuestion)
  const [question, ...more] = questionsIn(asked?.input)
  if (!question || more.length > 0) return { text }
  return { answers: { [question.question]: chosen(question, text.trim()) } }
}

const isOpenQuestion = ({ kind, status }: Approval): boolean => kind === 'question' && status === 'pending'

const EXAMPLES = `
Examples:
  flowforge job reply 12 "Use the second approach"   to Claude as it works, or as an answer
  flowforge job reply 12 2                           the second option of what it asks
  flowforge job reply 12 "Now add a test"            to a finished job: it goes on where it stopped
  flowforge job reply 12 < feedback.md               a long one from a file`
