// A job's story as plain text, one event after the other: what a person reads who has no console at hand.
import type { EventData, JobEvent } from '@flowforge/protocol'

export function renderLog(event: JobEvent): string {
  const text = describe(event)
  if (text === null) return ''
  const stamp = event.at.slice(11, 19)
  return text
    .split('\n')
    .map((line, index) => `${index === 0 ? stamp : '        '}  ${plain(line)}\n`)
    .join('')
}

/** Terminal control sequences are shown, not obeyed. */
const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, character =>
    character === '\r' ? '' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

function describe(event: JobEvent): string | null {
  switch (event.type) {
    case 'job.created':
      return `job created: ${event.data.task}`
    case 'job.pending':
      return describePending(event.data)
    case 'result.reused':
      return `the result is that of job #${event.data.number}: the same task on the same commit`
    case 'job.stage':
      return `stage: ${event.data.stage}${event.data.detail ? ` (${event.data.detail})` : ''}`
    case 'job.succeeded':
      return `succeeded: ${event.data.result.summary}`
    case 'job.failed':
      return `failed (${event.data.reason.code}): ${event.data.reason.message}${event.data.reason.next ? `\n${event.data.reason.next}` : ''}`
    case 'claude.message':
      return `claude: ${event.data.text}`
    case 'claude.text.delta':
    case 'claude.usage':
      return null
    case 'claude.tool.started':
      return `tool ${event.data.name}: ${JSON.stringify(event.data.input)}`
    case 'claude.tool.finished':
      return `tool ${event.data.ok ? 'done' : 'failed'} after ${Math.round(event.data.durationMs)} ms\n${event.data.output}`
    case 'git.cloned':
      return `cloned at ${event.data.commit}`
    case 'git.committed':
      return `committed ${event.data.commit}: ${event.data.message}`
    case 'git.pushed':
      return `${event.data.upstream ? 'published' : 'stored'} ${event.data.commit} as ${event.data.branch}`
    case 'git.rescued':
      return `what attempt ${event.data.attempt} left was saved as ${event.data.commit}`
    case 'git.push.refused':
      return `push to ${event.data.ref} refused: ${event.data.reason}`
    case 'verify.started':
      return `verify${event.data.clean ? ' in a fresh container' : ''}: ${event.data.command}`
    case 'verify.finished':
      return `verify ended with exit code ${event.data.exitCode} after ${Math.round(event.data.durationMs)} ms\n${event.data.output}`
    case 'log':
      return `${event.data.stream}: ${event.data.text}`
    case 'egress.blocked':
      return `egress to ${event.data.host}:${event.data.port} blocked: ${event.data.reason}`
    case 'policy.denied':
      return `denied by policy: ${event.data.what}: ${event.data.reason}`
    default:
      return `${event.type} ${JSON.stringify(event.data)}`
  }
}

function describePending({ runAt, needs, after }: EventData<'job.pending'>): string {
  const reasons = [
    ...(runAt ? [`until ${runAt}`] : []),
    ...(needs
      ? [`for the success of ${needs.length === 1 ? 'another job' : `${needs.length} other jobs`}`]
      : []),
    ...(after ? ['for the end of the run before it'] : []),
  ]
  return reasons.length > 0 ? `waits ${reasons.join(' and ')}` : 'waits'
}
