import type { WorkOrder } from '@flowforge/protocol'
import { expect, test } from 'vitest'
import { claudeEnvironment, commandEnvironment, gitEnvironment } from './environment.ts'

const order: WorkOrder = {
  phase: 'agent',
  protocolVersion: 1,
  attemptId: 'a',
  jobId: 'j',
  git: {
    baseBranch: 'main',
    baseCommit: '0'.repeat(40),
    checkoutCommit: '0'.repeat(40),
    checkoutRef: 'refs/heads/main',
    branch: 'b',
    author: { name: 'n', email: 'e@example.org' },
  },
  setup: [],
  verify: [],
  commandTimeoutSeconds: 1800,
  environment: {
    ANTHROPIC_BASE_URL: 'http://evil',
    CLAUDE_CODE_X: '1',
    DISABLE_SPRING: '1',
    GIT_CONFIG_COUNT: '0',
  },
  egress: true,
  task: 't',
  verifyRounds: 0,
}
const input = {
  inherited: { PATH: '/bin', CLAUDE_CODE_MAX_RETRIES: '3' },
  relayPort: 7421,
  token: 'to/ken',
  order,
}

test("the owner's variables reach the tools, but can not redirect Claude Code", () => {
  const environment = claudeEnvironment(input)
  expect(environment).toMatchObject({
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:7421/claude',
    ANTHROPIC_AUTH_TOKEN: 'to/ken',
    DISABLE_SPRING: '1',
    BASH_MAX_TIMEOUT_MS: '1800000',
  })
  expect(environment).not.toHaveProperty('CLAUDE_CODE_X')
  expect(commandEnvironment(input)).toMatchObject({ ANTHROPIC_BASE_URL: 'http://evil' })
})

test('limits of Claude Code that the image sets are kept', () => {
  expect(claudeEnvironment(input).CLAUDE_CODE_MAX_RETRIES).toBe('3')
})

test("Git's own calls know nothing of what the owner set", () => {
  const environment = gitEnvironment(input)
  expect(environment).not.toHaveProperty('DISABLE_SPRING')
  expect(Number(environment.GIT_CONFIG_COUNT)).toBeGreaterThan(0)
  expect(environment.GIT_CONFIG_KEY_0).toBe('http.http://127.0.0.1:7421/.extraHeader')
})

test('the proxy has the token as password and spares the relay itself', () => {
  expect(commandEnvironment(input)).toMatchObject({
    https_proxy: 'http://flowforge:to%2Fken@127.0.0.1:7421',
    NO_PROXY: '127.0.0.1,localhost',
  })
  const closed = commandEnvironment({ ...input, order: { ...order, egress: false } })
  expect(closed).not.toHaveProperty('HTTPS_PROXY')
})
