import { expect, test } from 'vitest'
import { parseScenarios, readScenarios } from './scenario.ts'
import { SCENARIOS_DIRECTORY } from './server.ts'

test('the scenarios that come with the package can be played, and one is for any task', async () => {
  const scenarios = parseScenarios(await readScenarios(SCENARIOS_DIRECTORY))
  expect(scenarios.filter(scenario => scenario.default).map(scenario => scenario.name)).toEqual(['default'])
  expect(scenarios.every(scenario => scenario.description)).toBe(true)
})

test('a mistake is reported with the place where it stands', () => {
  expect(() => parseScenarios([{ name: 'a', steps: [{ txet: 'x' }] }], 'a.yaml')).toThrow(/a\.yaml: .*/)
  expect(() => parseScenarios([{ name: 'a', match: '(', steps: [{ text: 'x' }] }])).toThrow(/match/)
})

test('two scenarios of the same name are refused', () => {
  const scenario = { name: 'a', steps: [{ text: 'x' }] }
  expect(() => parseScenarios([scenario, scenario])).toThrow('two scenarios are called a')
})
