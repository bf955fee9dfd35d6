// Finds the scenario for a conversation and the step it has come to. Pure.
import type { Conversation } from './conversation.ts'
import type { PlainStep, Scenario, Step } from './scenario.ts'

export interface ChosenStep {
  scenario: string
  /** Names the step within the scenario, for the record and for counting failures: `turn.step`. */
  position: string
  step: PlainStep
  /** Capture groups of the scenario's (or the reply's) `match`. */
  captures: string[]
  fixedPace: boolean
}

const MARKER = /\[scenario: *([a-z0-9-]+) *\]/i

export class UnknownScenario extends Error {}

export function chooseScenario(
  scenarios: Scenario[],
  conversation: Conversation,
): { scenario: Scenario; captures: string[] } | undefined {
  const audience = conversation.kind === 'sub-agent' ? 'sub-agent' : 'main'
  const candidates = scenarios.filter(scenario => scenario.for === audience)
  const marked = MARKER.exec(conversation.task)?.[1]
  if (marked && audience === 'main') {
    const scenario = candidates.find(({ name }) => name === marked.toLowerCase())
    if (!scenario) {
      throw new UnknownScenario(
        `There is no scenario "${marked}". There are: ${candidates.map(({ name }) => name).join(', ')}`,
      )
    }
    return { scenario, captures: scenario.match?.exec(conversation.task)?.slice() ?? [] }
  }
  for (const scenario of candidates) {
    const captures = scenario.match?.exec(conversation.task)
    if (captures) return { scenario, captures: captures.slice() }
  }
  const fallback = candidates.find(scenario => scenario.default)
  return fallback && { scenario: fallback, captures: [] }
}

const admits = (step: PlainStep, toolResult: string | undefined): boolean =>
  !step.when || step.when.lastToolResult.test(toolResult ?? '')

const alternative = (step: Step, toolResult: string | undefined): PlainStep | undefined =>
  ('oneOf' in step ? step.oneOf : [step]).find(plain => admits(plain, toolResult))

/**
 * Walks the steps along what happened: each earlier answer used up one step, and skipped those whose `when` did not hold
 * then. So the same conversation always leads to the same step, without any memory.
 */
function walk(
  steps: Step[],
  toolResults: (string | undefined)[],
): { index: number; step: PlainStep } | undefined {
  let index = 0
  let found: { index: number; step: PlainStep } | undefined
  for (const toolResult of toolResults) {
    found = undefined
    while (index < steps.length && !found) {
      const step = alternative(steps[index]!, toolResult)
      if (step) found = { index, step }
      index += 1
    }
  }
  return found
}

const closing = (text: string): PlainStep => ({ text, tools: [], delayMs: 0 })

export function chooseStep(scenarios: Scenario[], conversation: Conversation): ChosenStep {
  if (conversation.kind === 'side') return unscripted('side', conversation.task.slice(0, 40) || 'ok')
  const chosen = chooseScenario(scenarios, conversation)
  if (!chosen) return unscripted('none', 'I looked at it. There is nothing to report.')
  const { scenario } = chosen
  const { turnIndex, turn } = conversation
  let { captures } = chosen
  let steps: Step[] | undefined = scenario.steps
  if (turnIndex > 0) {
    const reply = scenario.replies.find(({ match }) => !match || match.test(turn.prompt))
    steps = reply?.steps
    captures = reply?.match?.exec(turn.prompt)?.slice() ?? captures
  }
  const found = steps && walk(steps, turn.toolResults)
  return {
    scenario: scenario.name,
    position: `${turnIndex}.${found?.index ?? 'end'}`,
    step: found?.step ?? closing(steps ? 'Done.' : 'Understood. There is nothing more for me to do here.'),
    captures,
    fixedPace: scenario.fixedPace,
  }
}

const unscripted = (scenario: string, text: string): ChosenStep => ({
  scenario,
  position: '0.0',
  step: closing(text),
  captures: [],
  fixedPace: false,
})
