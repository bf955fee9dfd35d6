// What the stages of a running job are called in front of people.
import type { Stage, WaitingFor } from '@flowforge/sdk'
import { plainLine } from '../output/plain-text.ts'

const STAGES: Record<Stage, string> = {
  preparing_repository: 'Preparing the repository',
  starting_container: 'Starting the container',
  cloning: 'Cloning',
  setting_up: 'Setting up',
  working: 'Claude is working',
  waiting_for_claude: 'Waiting for the Claude API',
  verifying: 'Verifying',
  pushing: 'Pushing',
  verifying_clean: 'Verifying in a fresh container',
  publishing: 'Publishing',
}

const WAITING: Record<WaitingFor, string> = {
  question: 'Waiting for an answer to a question',
  plan: 'Waiting for approval of the plan',
  budget: 'Waiting for a higher budget',
  reply: 'Waiting for a reply',
}

/** A newer server may name stages that this version does not know. */
export const stageName = (stage: string): string =>
  (STAGES as Record<string, string>)[stage] ?? plainLine(stage).replaceAll('_', ' ')

const WAITS_FOR: Record<WaitingFor, string> = {
  question: 'an answer',
  plan: 'approval',
  budget: 'budget',
  reply: 'a reply',
}

/** In a list. */
export const waitsFor = (waitingFor: string | undefined): string =>
  `waiting for ${(WAITS_FOR as Record<string, string>)[waitingFor ?? ''] ?? 'a person'}`

export const waitingName = (waitingFor: string): string =>
  (WAITING as Record<string, string>)[waitingFor] ?? 'Waiting'
