// One-line notices for the events that are neither words, tools nor runs. Pure.
import type { StreamedEvent } from '../api/types.ts'
import { formatDuration, formatUsd, plural } from '../text/quantities.ts'
import type { NoticeTone } from './entries.ts'

export interface Notice {
  tone: NoticeTone
  title: string
  detail?: string
}

const short = (commit: string): string => commit.slice(0, 7)
const one = (tone: NoticeTone, title: string, detail?: string): Notice[] => [{ tone, title, detail }]

/** At most one. None for events that the page shows elsewhere, and for types this console does not know. */
export function noticeOf(event: StreamedEvent): Notice[] {
  switch (event.type) {
    case 'attempt.started':
      return event.data.number > 1 ? one('info', `Attempt ${event.data.number} started`) : []
    case 'attempt.lost':
      return one('warning', `Attempt ${event.data.number} was lost`, event.data.reason)
    case 'attempt.adopted':
      return one('quiet', `Attempt ${event.data.number} goes on under another worker`)
    case 'job.pending':
      return one('quiet', `Waits ${pendingReasons(event.data)}`)
    case 'job.changed':
      return one('quiet', 'Changed', changes(event.data))
    case 'result.reused':
      return one('info', `Result of job #${event.data.number}`, 'The same task on the same commit.')
    case 'job.waiting':
      return event.data.message ? one('info', `Waiting for ${event.data.waitingFor}`, event.data.message) : []
    case 'job.reopened':
      return one('info', `Turn ${event.data.turn} begins`)
    case 'attempt.parked':
      return one(
        'quiet',
        `The container of attempt ${event.data.number} was released`,
        'Conversation and work are kept; an answer starts another.',
      )
    case 'session.resumed':
      return one('quiet', 'Claude goes on with the conversation')
    case 'session.started_afresh':
      return one('warning', 'Claude begins the conversation anew', event.data.reason)
    case 'git.work.restored':
      return one(
        'quiet',
        `Goes on from the work of attempt ${event.data.fromAttempt}`,
        short(event.data.commit),
      )
    case 'job.retried':
      return one(
        'info',
        event.data.automatic ? 'Tried again automatically' : 'Tried again',
        event.data.reason?.message,
      )
    case 'job.cancelled':
      return one('quiet', 'Job cancelled', event.data.reason?.message)
    case 'job.failed':
      return one('bad', 'Job failed', event.data.reason.message)
    case 'job.succeeded':
      return one('good', 'Job succeeded')
    case 'git.cloned':
      return one('quiet', `Cloned ${short(event.data.commit)} in ${formatDuration(event.data.durationMs)}`)
    case 'git.committed':
      return one('quiet', `Committed ${short(event.data.commit)}`, event.data.message)
    case 'git.pushed':
      return one(
        'quiet',
        `${event.data.upstream ? 'Published' : 'Pushed'} ${event.data.branch}`,
        short(event.data.commit),
      )
    case 'git.rescued':
      return one('quiet', `What attempt ${event.data.attempt} left was saved`, short(event.data.commit))
    case 'git.conflict.detected':
      return one(
        'warning',
        `Conflict in ${plural(event.data.files.length, 'file')}`,
        event.data.files.join(', '),
      )
    case 'git.conflict.resolved':
      return one(
        'good',
        `Conflict resolved in ${plural(event.data.files.length, 'file')}`,
        event.data.files.join(', '),
      )
    case 'git.pull_request.opened':
      return one('good', 'Pull request opened', event.data.url)
    case 'git.push.refused':
      return one('bad', `Push to ${event.data.ref} refused`, event.data.reason)
    case 'egress.blocked':
      return one('bad', `Network access to ${event.data.host}:${event.data.port} blocked`, event.data.reason)
    case 'policy.denied':
      return one('bad', `Not allowed: ${event.data.what}`, event.data.reason)
    case 'settings.neutralised':
      return one('warning', `Settings in ${event.data.file} were ignored`, event.data.keys.join(', '))
    case 'budget.warning':
      return one('warning', `${formatUsd(event.data.spentUsd)} of ${formatUsd(event.data.limitUsd)} spent`)
    case 'budget.exceeded':
      return one(
        'bad',
        `Budget of ${formatUsd(event.data.limitUsd)} is spent`,
        `${formatUsd(event.data.spentUsd)} so far`,
      )
    case 'artifact.added':
      return one('quiet', `Artifact kept: ${event.data.name}`)
    default:
      return []
  }
}

type DataOf<Type extends StreamedEvent['type']> = Extract<StreamedEvent, { type: Type }>['data']

function pendingReasons({ runAt, needs = [], after }: DataOf<'job.pending'>): string {
  const reasons = [
    runAt && `until ${new Date(runAt).toLocaleString()}`,
    needs.length > 0 && `for the success of ${plural(needs.length, 'other job')}`,
    after && 'for the end of the run before it',
  ]
  return reasons.filter(Boolean).join(' and ') || 'to be queued'
}

function changes({ priority, budgetUsd, runAt }: DataOf<'job.changed'>): string {
  const parts = [
    priority && `priority: ${priority}`,
    budgetUsd !== undefined && `budget: ${budgetUsd === null ? 'none' : formatUsd(budgetUsd)}`,
    runAt !== undefined && `start: ${runAt === null ? 'at once' : new Date(runAt).toLocaleString()}`,
  ]
  return parts.filter(Boolean).join(', ')
}
