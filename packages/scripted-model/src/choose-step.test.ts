import { describe, expect, test } from 'vitest'
import { chooseStep } from './choose-step.ts'
import type { Conversation } from './conversation.ts'
import { parseScenarios, type ScenarioInput } from './scenario.ts'

const conversation = (task: string, rest: Partial<Conversation> = {}): Conversation => ({
  kind: 'main',
  key: 'k',
  task,
  cwd: '/workspace/repository',
  planFile: undefined,
  turnIndex: 0,
  turn: { prompt: task, toolResults: [undefined] },
  ...rest,
})

const choose = (scenarios: ScenarioInput[], task: string, rest: Partial<Conversation> = {}) =>
  chooseStep(parseScenarios(scenarios), conversation(task, rest))

const after = (...toolResults: string[]) => ({
  turn: { prompt: '', toolResults: [undefined, ...toolResults] },
})

const fallback: ScenarioInput = { name: 'any', default: true, steps: [{ text: 'fallback' }] }
const bug: ScenarioInput = { name: 'bug', match: 'fix the (\\w+)', steps: [{ text: 'one' }, { text: 'two' }] }

describe('the scenario', () => {
  test('is the first whose pattern is found in the task', () => {
    expect(choose([fallback, bug], 'Please FIX THE parser')).toMatchObject({
      scenario: 'bug',
      captures: ['FIX THE parser', 'parser'],
    })
  })

  test('is the default one when no pattern is found', () => {
    expect(choose([bug, fallback], 'Something else').scenario).toBe('any')
  })

  test('is named by a marker, whatever the patterns say', () => {
    expect(choose([bug, fallback], '[scenario: any] fix the parser').scenario).toBe('any')
  })

  test('a marker that names none is refused with the names there are', () => {
    expect(() => choose([bug, fallback], '[scenario: nope]')).toThrow(
      'There is no scenario "nope". There are: bug, any',
    )
  })

  test('a sub-agent gets one for sub-agents, or a closing text', () => {
    const counting: ScenarioInput = {
      name: 'counting',
      for: 'sub-agent',
      match: 'count',
      steps: [{ text: 'nine' }],
    }
    expect(choose([fallback, counting], 'count them', { kind: 'sub-agent' }).step.text).toBe('nine')
    expect(choose([fallback, counting], 'else', { kind: 'sub-agent' })).toMatchObject({
      scenario: 'none',
      step: { tools: [] },
    })
  })
})

describe('the step', () => {
  test('follows the number of answers in this turn', () => {
    expect(choose([bug], 'fix the x').step.text).toBe('one')
    expect(choose([bug], 'fix the x', after('ok')).step.text).toBe('two')
  })

  test('is a closing text when all have been played', () => {
    expect(choose([bug], 'fix the x', after('ok', 'ok'))).toMatchObject({
      position: '0.end',
      step: { text: 'Done.' },
    })
  })

  const tested: ScenarioInput = {
    name: 'tested',
    default: true,
    steps: [
      { text: 'test' },
      { when: { lastToolResult: 'fail [1-9]' }, text: 'mend' },
      { oneOf: [{ when: { lastToolResult: 'never' }, text: 'never' }, { text: 'sum up' }] },
    ],
  }

  test('is skipped when its condition does not hold', () => {
    expect(choose([tested], 'x', after('fail 2')).step.text).toBe('mend')
    expect(choose([tested], 'x', after('fail 0')).step.text).toBe('sum up')
  })

  test('stays skipped later in the turn, since the walk sees what was seen then', () => {
    expect(choose([tested], 'x', after('fail 0', 'fail 2')).position).toBe('0.end')
    expect(choose([tested], 'x', after('fail 2', 'fail 2')).step.text).toBe('sum up')
  })
})

describe('a reply', () => {
  const talkative: ScenarioInput = {
    ...bug,
    replies: [{ match: 'exit (\\d)', steps: [{ text: 'corrected' }, { text: 'done' }] }],
  }
  const reply = (prompt: string) => ({ turnIndex: 1, turn: { prompt, toolResults: [undefined] } })

  test('plays the steps whose pattern is found in it', () => {
    const chosen = choose([talkative], 'fix the x', reply('It failed with exit 3'))
    expect(chosen).toMatchObject({ position: '1.0', captures: ['exit 3', '3'], step: { text: 'corrected' } })
  })

  test('that nothing is written for gets a closing text', () => {
    expect(choose([talkative], 'fix the x', reply('Thanks')).step.tools).toEqual([])
  })
})
