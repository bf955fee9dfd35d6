import { expect, test } from 'vitest'
import { parseScenarios, readScenarios } from './scenario.ts'
import { SCENARIOS_DIRECTORY } from './server.ts'

test('the scenarios that come with the package can be played, and one is for any task', async () => {
  const scenarios = parseScenarios(await readScenarios(SCENARIOS_DIRECTORY))
  expect(scenarios.filter(scenario => scenario.default).map(scenario => scenario.name)).toEqual(['default'])
  expect(scenarios.every(scenario => scenario.description)).toBe(true)
})

test('the patterns that come with the package take no long time on a long task', async () => {
  const scenarios = parseScenarios(await readScenarios(SCENARIOS_DIRECTORY))
  const startedAt = performance.now()
  for (const words of ['invoice ', 'total ', '```bash\n', 'count ', 'x']) {
    const task = words.repeat(1_000_000 / words.length)
    for (const { match } of scenarios) match?.test(task)
  }
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

test('a mistake is reported with the place where it stands', () => {
  expect(() => parseScenarios([{ name: 'a', steps: [{ txet: 'x' }] }], 'a.yaml')).toThrow(/a\.yaml: .*/)
  expect(() => parseScenarios([{ name: 'a', match: '(', steps: [{ text: 'x' }] }])).toThrow(/match/)
})

test('two scenarios of the same name are refused', () => {
  const scenario = { name: 'a', steps: [{ text: 'x' }] }
  expect(() => parseScenarios([scenario, scenario])).toThrow('two scenarios are called a')
})
