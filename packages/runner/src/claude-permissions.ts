// What Claude has to ask a person: questions, its plan, and calls that a rule of the repository reserves. Everything else
// is allowed: the container is the sandbox. Tried with the pinned version (2.1.330), see docs/adr/0015.
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { CanUseTool, PermissionResult } from '@anthropic-ai/claude-agent-sdk'
import type { AgentWorkOrder, RequestKind } from '@flowforge/protocol'
import type { Verdict } from './control.ts'

export interface PermissionOptions {
  /** Asks a person; undefined: the work ended before there was an answer. */
  ask(
    request: { requestId: string; kind: RequestKind; input: unknown; toolUseId: string },
    signal: AbortSignal,
  ): Promise<Verdict | undefined>
  /** The plan that this call presents, if it can be found. */
  plan(toolUseId: string): Promise<string | undefined>
  /** The rules for what needs a person's yes. */
  approvals: readonly string[]
  allowedCalls: NonNullable<AgentWorkOrder['allowedCalls']>
  planning: { now: boolean }
}

type Input = Record<string, unknown>
const allow = (updatedInput: Input) => ({ behavior: 'allow' as const, updatedInput })
const deny = (message: string): PermissionResult => ({ behavior: 'deny', message })

const NO_ANSWER = 'The work was ended before a person answered.'
const ONLY_PLANNING =
  'Nothing is changed before a person has approved the plan: present it with ExitPlanMode.'

export const createPermissions = (options: PermissionOptions): CanUseTool => {
  const allowed = [...options.allowedCalls]

  /** Once each. */
  const wasAllowed = (tool: string, input: Input): boolean => {
    const index = allowed.findIndex(call => call.tool === tool && isDeepStrictEqual(call.input, input))
    if (index >= 0) allowed.splice(index, 1)
    return index >= 0
  }

  /**
   * Claude Code decides which calls a rule names, and asks about nothing else outside of planning; why it asks, it does
   * not say of every form of shell command (`a || b > c`). In doubt a person is asked.
   */
  const mayBeNamed = (tool: string): boolean =>
    options.approvals.some(rule => rule === tool || rule.startsWith(`${tool}(`))

  return async (tool, input, { signal, toolUseID: toolUseId, ...reason }) => {
    const ask = (kind: RequestKind, asked: unknown) =>
      options.ask({ requestId: randomUUID(), kind, input: asked, toolUseId }, signal)
    switch (tool) {
      case 'AskUserQuestion':
        return answered(input, await ask('question', input))
      case 'ExitPlanMode': {
        const verdict = await ask('plan', { ...input, plan: (await options.plan(toolUseId)) ?? '' })
        if (verdict?.decision === 'allow') options.planning.now = false
        return planned(input, verdict)
      }
    }
    if (isNamedByRule(reason) || (!options.planning.now && mayBeNamed(tool)))
      return wasAllowed(tool, input) ? allow(input) : judged(input, await ask('tool', { tool, input }))
    return options.planning.now ? deny(ONLY_PLANNING) : allow(input)
  }
}

/** The SDK says so in one of two ways: by the rule, or for a part of a shell command by the kind of reason. */
const isNamedByRule = (reason: object): boolean =>
  ('matchedAskRule' in reason && reason.matchedAskRule !== undefined) ||
  ('decisionReasonType' in reason && reason.decisionReasonType === 'rule')

const answered = (input: Input, verdict: Verdict | undefined): PermissionResult => {
  if (!verdict) return deny(NO_ANSWER)
  if (verdict.decision === 'deny')
    return deny(['Nobody answers: decide yourself.', verdict.note].filter(Boolean).join(' '))
  return allow({
    ...input,
    ...(verdict.answers ? { answers: joined(verdict.answers) } : {}),
    ...(verdict.note ? { response: withAnswers(verdict) } : {}),
  })
}

/** Claude Code takes one text for each question. */
const joined = (answers: NonNullable<Verdict['answers']>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answers).map(([question, answer]) => [question, [answer].flat().join(', ')]),
  )

/** It shows either answers or a response: with both, the response tells all. */
const withAnswers = ({ answers, note }: Verdict): string =>
  [...Object.entries(joined(answers ?? {})).map(([question, answer]) => `${question} ${answer}.`), note].join(
    ' ',
  )

const planned = (input: Input, verdict: Verdict | undefined): PermissionResult => {
  if (!verdict) return deny(NO_ANSWER)
  if (verdict.decision === 'deny')
    return deny(
      [
        'A person did not approve the plan.',
        verdict.note,
        'Change it, and present it again with ExitPlanMode.',
      ]
        .filter(Boolean)
        .join(' '),
    )
  return {
    ...allow(input),
    updatedPermissions: [{ type: 'setMode', mode: 'bypassPermissions', destination: 'session' }],
  }
}

const judged = (input: Input, verdict: Verdict | undefined): PermissionResult => {
  if (!verdict) return deny(NO_ANSWER)
  if (verdict.decision === 'allow') return allow(input)
  return deny(['A person did not allow this call.', verdict.note].filter(Boolean).join(' '))
}
