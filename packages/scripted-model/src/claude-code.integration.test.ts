// The pinned Claude Code, as it is installed, against the scripted model: what it sends and expects is found out here first.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createScriptedModel, type ScriptedModel } from './server.ts'

const run = promisify(execFile)
const SAMPLE = fileURLToPath(new URL('../samples/invoice', import.meta.url))
/** An optional dependency of the Agent SDK: found from there. */
const CLAUDE = createRequire(
  createRequire(import.meta.url).resolve('@anthropic-ai/claude-agent-sdk'),
).resolve(`@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/claude`)
const TIMEOUT_MS = 60_000

let model: ScriptedModel
let directory: string
let repository: string

beforeAll(async () => {
  model = await createScriptedModel({ pace: 0, apiKey: 'test-key' })
})
afterAll(() => model.close())

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'scripted-model-'))
  repository = path.join(directory, 'repository')
  await cp(SAMPLE, repository, { recursive: true })
  await git('init', '--quiet')
  await git('add', '.')
  await git(
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@example.invalid',
    'commit',
    '--quiet',
    '-m',
    'Start',
  )
})
afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const git = async (...args: string[]) => (await run('git', args, { cwd: repository })).stdout
const fileOf = (name: string) => readFile(path.join(repository, name), 'utf8')

interface ClaudeResult {
  is_error: boolean
  result: string
  num_turns: number
  usage: { output_tokens: number }
}

async function claude(task: string, environment: Record<string, string> = {}): Promise<ClaudeResult> {
  const args = ['-p', task, '--output-format', 'json', '--dangerously-skip-permissions']
  const child = run(CLAUDE, args, {
    cwd: repository,
    timeout: TIMEOUT_MS,
    env: {
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
      HOME: directory,
      CLAUDE_CODE_TMPDIR: directory,
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: 'test-key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      IS_SANDBOX: '1',
      ...environment,
    },
  })
  child.child.stdin?.end()
  // A failed run exits with 1 and still prints its result.
  const { stdout } = await child.catch((error: { stdout: string }) => error)
  return JSON.parse(stdout)
}

/** The sample's own tests, free of the variables of the test run around them. */
const runTests = () =>
  run(process.execPath, ['--test'], { cwd: repository, env: { PATH: process.env.PATH } }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )

describe('Claude Code', { timeout: TIMEOUT_MS }, () => {
  test('finds and fixes the bug of the sample, and adds a test', async () => {
    expect(await runTests()).toMatch(/fail 1\b/)
    const { result, is_error } = await claude(
      'The total on invoices is sometimes a cent off. Find the bug, fix it and add a test.',
    )
    expect(is_error).toBe(false)
    expect(result).toContain('All 7 tests pass')
    expect((await git('diff', '--name-only')).trim().split('\n')).toEqual([
      'src/invoice.js',
      'test/invoice-test.js',
    ])
    expect(await runTests()).toMatch(/pass 7\n.*fail 0\b/)
  })

  test('writes the greeting of the default scenario with one tool call', async () => {
    const { num_turns } = await claude('Do something')
    expect(num_turns).toBe(2)
    expect(await fileOf('hello.txt')).toBe('Hello from the scripted model\n')
  })

  test('changes nothing, and says so, where the demo does not know the repository', async () => {
    await git('rm', '-r', '--quiet', 'src')
    const { result } = await claude('The total on invoices is sometimes a cent off.')
    expect(result).toContain('I have changed nothing')
    expect(await git('diff', '--name-only')).toBe('')
  })

  test('runs the script of the task', async () => {
    const { result } = await claude(
      '[scenario: run-script]\n```bash\necho "it\'s $((40 + 2))" | tee out.txt\n```',
    )
    expect(result).toContain("it's 42")
    expect(await fileOf('out.txt')).toBe("it's 42\n")
  })

  test('sends a sub-agent, which has a scenario of its own', async () => {
    await claude('[scenario: sub-agent]')
    expect(await fileOf('report.txt')).toBe('There are 9 files\n')
  })

  test.each([
    'error-429-then-ok',
    'error-529-then-ok',
    'cut',
    'malformed',
  ])('gets over a failure: %s', async name => {
    const { is_error } = await claude(`[scenario: ${name}]`)
    expect(is_error).toBe(false)
    expect(await fileOf('done.txt')).toBe('done\n')
  })

  test.each(['error-401', 'error-500-always', 'cut-always'])('gives up: %s', async name => {
    const { is_error } = await claude(`[scenario: ${name}]`, { CLAUDE_CODE_MAX_RETRIES: '1' })
    expect(is_error).toBe(true)
  })

  test('is refused with another key', async () => {
    const { is_error, result } = await claude('Do something', { ANTHROPIC_API_KEY: 'wrong' })
    expect(is_error).toBe(true)
    expect(result).toContain('Invalid API key')
  })

  test.each(['huge-output', 'binary'])('survives what a tool prints: %s', async name => {
    const { is_error } = await claude(`[scenario: ${name}]`)
    expect(is_error).toBe(false)
  })

  test('counts the tokens that were answered', async () => {
    const before = model.requests().length
    const { usage } = await claude('Count my tokens')
    const answered = model.requests().slice(before)
    expect(usage.output_tokens).toBe(
      answered.reduce((sum, request) => sum + (request.usage?.outputTokens ?? 0), 0),
    )
  })
})
