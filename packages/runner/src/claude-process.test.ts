import { PassThrough } from 'node:stream'
import { type Options, query, type SpawnedProcess } from '@anthropic-ai/claude-agent-sdk'
import { expect, test } from 'vitest'
import { type ClaudeCommand, claudeCommand } from './claude-process.ts'
import { disallowedTools, SDK_VERSION, sessionOptions } from './claude-session.ts'

/** What the SDK asks for, without starting anything. */
const askedFor = (options: Options): Promise<ClaudeCommand> =>
  new Promise(resolve => {
    const conversation = query({
      prompt: (async function* () {})(),
      options: {
        ...options,
        spawnClaudeCodeProcess: ({ command, args, cwd, env }) => {
          resolve({ command, args, cwd: cwd ?? '', env })
          setImmediate(() => conversation.close())
          return Object.assign(new PassThrough(), {
            stdin: new PassThrough(),
            stdout: new PassThrough(),
            killed: false,
            exitCode: null,
            kill: () => true,
          }) as unknown as SpawnedProcess
        },
      },
    })
    void (async () => {
      for await (const _ of conversation);
    })().catch(() => {})
  })

test.each([
  { planFirst: false, mayAsk: true, approvals: [] },
  { planFirst: false, mayAsk: false, approvals: [], model: 'some-model', maxTurns: 7 },
  {
    planFirst: true,
    mayAsk: true,
    approvals: ['Bash(git push:*)'],
    resume: '11111111-1111-4111-8111-111111111111',
  },
])('the process that is started early is the one that the pinned SDK asks for (%o)', async variant => {
  const options = {
    executable: '/usr/local/bin/claude',
    cwd: '/workspace/repository',
    env: { PATH: '/usr/bin' },
    trustedConfigDirectory: '/opt/empty',
    systemPromptAppend: 'Be brief.',
    canUseTool: async () => null,
    ...variant,
  }
  const managedSettings =
    variant.approvals.length === 0 ? undefined : { permissions: { ask: variant.approvals } }
  const command = { ...options, disallowedTools: disallowedTools(options), managedSettings }
  const early = claudeCommand(command, SDK_VERSION)
  expect(await askedFor(sessionOptions(options))).toEqual(early)
})
