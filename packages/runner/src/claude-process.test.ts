import { PassThrough } from 'node:stream'
import { type Options, query, type SpawnedProcess } from '@anthropic-ai/claude-agent-sdk'
import { expect, test } from 'vitest'
import { type ClaudeCommand, claudeCommand } from './claude-process.ts'
import { DISALLOWED_TOOLS, SDK_VERSION, sessionOptions } from './claude-session.ts'

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
  { model: undefined, maxTurns: undefined },
  { model: 'some-model', maxTurns: 7 },
])('the process that is started early is the one that the pinned SDK asks for (%o)', async variant => {
  const options = {
    executable: '/usr/local/bin/claude',
    cwd: '/workspace/repository',
    env: { PATH: '/usr/bin' },
    trustedConfigDirectory: '/opt/empty',
    systemPromptAppend: 'Be brief.',
    ...variant,
  }
  const early = claudeCommand({ ...options, disallowedTools: DISALLOWED_TOOLS }, SDK_VERSION)
  expect(await askedFor(sessionOptions(options))).toEqual(early)
})
