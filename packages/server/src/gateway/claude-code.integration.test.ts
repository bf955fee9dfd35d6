// The real Claude Code against the scripted model, through the gateway's socket, as in a container: it has the attempt's
// token and no key.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createScriptedModel, type ScenarioInput } from '@flowforge/scripted-model'
import { expect, onTestFinished, test } from 'vitest'
import type { ClaudeProxyOptions } from './claude.ts'
import { openClaude, REAL_KEY, TOKEN, temporaryDirectory } from './test-scene.ts'

const CLAUDE_CODE = fileURLToPath(
  import.meta.resolve(`@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/claude`),
)

const scenario = (...steps: ScenarioInput['steps']): ScenarioInput[] => [
  { name: 'test', default: true, steps },
]

async function startModel(scenarios: ScenarioInput[], apiKey = REAL_KEY) {
  const model = await createScriptedModel({ scenarios, apiKey, pace: 0 })
  onTestFinished(() => model.close())
  return model
}

/** What the runner does in a container: a port on loopback that leads to the socket. */
async function relay(socketPath: string): Promise<string> {
  const open = new Set<Socket>()
  const server = createServer(socket => {
    const gateway = connect(socketPath)
    for (const side of [socket, gateway])
      open.add(side.on('error', () => {}).on('close', () => open.delete(side)))
    socket.pipe(gateway).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/claude`
}

interface Run {
  exitCode: number
  output: string
}

async function runClaudeCode(baseUrl: string): Promise<Run> {
  const home = await temporaryDirectory()
  return new Promise(resolve => {
    const args = ['-p', 'Write a greeting', '--permission-mode', 'bypassPermissions']
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      IS_SANDBOX: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_AUTH_TOKEN: TOKEN,
    }
    const child = execFile(
      CLAUDE_CODE,
      args,
      { env, cwd: home, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
      },
    )
    child.stdin?.end()
  })
}

async function run(modelUrl: string, options: Partial<ClaudeProxyOptions> = {}) {
  const claude = await openClaude(modelUrl, options)
  return { ...claude, ...(await runClaudeCode(await relay(claude.socketPath))) }
}

test('Claude Code does a task with the attempt’s token, and all it used is in the ledger', {
  timeout: 60_000,
}, async () => {
  const model = await startModel(
    scenario({ tools: [{ name: 'Bash', input: { command: 'env' } }] }, { text: 'It is done, grüße 🦀.' }),
  )
  const { exitCode, output, ledger, denied } = await run(model.url)
  expect(output).toContain('It is done, grüße 🦀.')
  expect(exitCode).toBe(0)
  expect(denied).toEqual([])

  const asked = model.requests()
  expect(asked.length).toBeGreaterThanOrEqual(2)
  for (const request of asked) {
    expect(request.auth).toEqual({ scheme: 'x-api-key', key: REAL_KEY })
    expect(JSON.stringify(request.headers)).not.toContain(TOKEN)
  }
  const sum = (values: (number | undefined)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0)
  expect(ledger).toHaveLength(asked.length)
  expect(ledger.every(entry => entry.scripted && entry.outcome === 'completed')).toBe(true)
  expect(sum(ledger.map(({ tokens }) => tokens.inputTokens))).toBe(
    sum(asked.map(({ usage }) => usage?.inputTokens)),
  )
  expect(sum(ledger.map(({ tokens }) => tokens.outputTokens))).toBe(
    sum(asked.map(({ usage }) => usage?.outputTokens)),
  )
})

test('an exhausted budget ends Claude Code at once, with the words of the budget', {
  timeout: 60_000,
}, async () => {
  const model = await startModel(scenario({ text: 'never' }))
  let checks = 0
  const { exitCode, output } = await run(model.url, {
    budget: {
      check: () => {
        checks++
        return { allowed: false, message: 'This job has used its 5.00 USD.' }
      },
    },
  })
  expect(exitCode).not.toBe(0)
  expect(output).toContain('budget_exceeded: This job has used its 5.00 USD.')
  expect(checks).toBe(1)
  expect(model.requests()).toEqual([])
})

test('a key that is refused ends Claude Code at once', { timeout: 60_000 }, async () => {
  const model = await startModel(scenario({ text: 'never' }), 'another key')
  const { exitCode, output, authFailures } = await run(model.url)
  expect(exitCode).not.toBe(0)
  expect(output).toContain('claude_auth')
  expect(output).not.toContain(REAL_KEY)
  expect(authFailures).toHaveLength(1)
})

test.each<[string, 'cut' | 'stall', string]>([
  ['is cut', 'cut', 'upstream_cut'],
  ['stalls', 'stall', 'upstream_stalled'],
])('Claude Code goes on after an answer that %s', { timeout: 60_000 }, async (_, fault, outcome) => {
  const model = await startModel(scenario({ text: 'Words that arrive in the end.', [fault]: { times: 1 } }))
  const { exitCode, output, ledger } = await run(model.url, { limits: { idleTimeoutMs: 500 } })
  expect(output).toContain('Words that arrive in the end.')
  expect(exitCode).toBe(0)
  expect(ledger.map(entry => entry.outcome)).toContain(outcome)
})
