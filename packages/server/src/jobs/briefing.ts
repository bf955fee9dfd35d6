// What an attempt is told beyond the task, when it is not the first to work on it: the conversation that it goes on with,
// the work that it begins from, and what people have said meanwhile.
import type { AgentWorkOrder } from '@flowforge/protocol'
import { type AttemptRow, listAttempts } from '../store/attempts.ts'
import { findSession, listApprovals, listMessages, wasPlanApproved } from '../store/conversations.ts'
import type { Database } from '../store/database.ts'
import type { JobRow } from '../store/jobs.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import type { Hold } from './hold.ts'
import type { Repositories } from './ports.ts'
import { afreshPrompt, resumePrompt, type Said } from './prompts.ts'

export interface Briefing
  extends Pick<
    AgentWorkOrder,
    'prompt' | 'resume' | 'afreshBecause' | 'planFirst' | 'allowedCalls' | 'throughMessage'
  > {
  restore?: AgentWorkOrder['git']['restore']
}

const NO_SESSION = 'No earlier attempt saved its conversation.'

export async function briefAttempt(
  { database, repositories }: { database: Database; repositories: Pick<Repositories, 'keptWork'> },
  { job, attempt }: Hold,
  repository: RepositoryRow,
): Promise<Briefing> {
  // The usual case asks nothing of the database.
  if (attempt.number === 1) return { planFirst: job.plan_first }
  const known = await database.inOrganization(job.organization_id, async tx => ({
    session: await findSession(tx, job.id),
    approvals: await listApprovals(tx, job.id),
    messages: await listMessages(tx, job.id),
    earlier: (await listAttempts(tx, job.organization_id, job.id)).filter(
      ({ number }) => number < attempt.number,
    ),
    planApproved: await wasPlanApproved(tx, job.id),
  }))
  const said: Said[] = known.messages.map(message => ({
    number: message.number,
    text: message.text,
    request: known.approvals.find(({ request_id }) => request_id === message.request_id),
  }))
  const restore = await findWork(repositories, repository, job, known.earlier)
  const { session } = known
  const news = said.filter(({ number }) => number > (session?.through_message ?? 0))
  const situation = { lastAttempt: known.earlier.at(-1), isRestored: restore !== undefined }
  return {
    planFirst: job.plan_first && !known.planApproved,
    throughMessage: job.messages,
    restore,
    prompt: afreshPrompt(job.task, said, situation),
    ...(session
      ? {
          resume: {
            sessionId: session.session_id,
            fromAttempt: session.attempt,
            prompt: resumePrompt(news, situation),
          },
        }
      : { afreshBecause: NO_SESSION }),
    allowedCalls: news.flatMap(({ request }) =>
      request?.kind === 'tool' && request.decision === 'allow' ? [callIn(request.input)] : [],
    ),
  }
}

const callIn = (input: unknown): { tool: string; input: unknown } => {
  const { tool, input: given } = input as { tool?: unknown; input?: unknown }
  return { tool: String(tool), input: given }
}

/** The newest that is left and lies in the mirror of this machine. */
async function findWork(
  repositories: Pick<Repositories, 'keptWork'>,
  repository: RepositoryRow,
  job: JobRow,
  earlier: AttemptRow[],
): Promise<Briefing['restore']> {
  for (const { number } of earlier.toReversed()) {
    const kept = await repositories.keptWork(repository, job.id, number)
    if (kept) return { ...kept, fromAttempt: number }
  }
  return undefined
}
