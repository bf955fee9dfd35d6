// The message of the commit that FlowForge makes of what Claude left uncommitted. Pure.

const SUBJECT_CHARS = 72
const EXCERPT_CHARS = 2000

/** A sentence of prose without Markdown's signs. */
const plain = (line: string): string =>
  line
    .replace(/^\s*(#+|[-*>]|\d+\.)\s+/, '')
    .replace(/[*_`]{1,3}(\S(?:.*?\S)?)[*_`]{1,3}/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()

const firstLine = (text: string): string =>
  text
    .split('\n')
    .map(plain)
    .find(line => line !== '') ?? ''

const firstSentence = (line: string): string =>
  (/^.*?[.!?](?=\s|$)/.exec(line)?.[0] ?? line).replace(/[.:]+$/, '')

const cutAtWord = (text: string): string => {
  if (text.length <= SUBJECT_CHARS) return text
  const cut = text.slice(0, SUBJECT_CHARS - 1)
  const space = cut.lastIndexOf(' ')
  return `${(space > SUBJECT_CHARS / 2 ? cut.slice(0, space) : cut).toWellFormed()}…`
}

/** The task says best what a commit is for; where it is too long for a subject, Claude's first sentence may be short enough. */
const subjectOf = (task: string, summary: string): string => {
  const fromTask = firstSentence(firstLine(task))
  if (fromTask !== '' && fromTask.length <= SUBJECT_CHARS) return fromTask
  const fromSummary = firstSentence(firstLine(summary))
  if (fromSummary.length >= 10 && fromSummary.length <= SUBJECT_CHARS) return fromSummary
  return cutAtWord(fromTask || fromSummary || 'Changes by Claude Code')
}

const excerpt = (text: string): string => {
  const trimmed = text.replace(/\r\n?/g, '\n').trim()
  return trimmed.length <= EXCERPT_CHARS ? trimmed : `${trimmed.slice(0, EXCERPT_CHARS).toWellFormed()} […]`
}

export const commitMessage = (input: { task: string; summary: string; jobId: string }): string => {
  const subject = subjectOf(input.task, input.summary)
  const task = excerpt(input.task)
  const body = [
    ...(task === '' || task === subject ? [] : [`Task: ${task}`]),
    excerpt(input.summary),
    `FlowForge-Job: ${input.jobId}`,
  ]
  return `${[subject, ...body.filter(part => part !== '')].join('\n\n')}\n`
}
