// Runs the repository's setup and verify commands in the clone, one after the other, each bounded, and reports them.
import type { VerifyResult } from '@flowforge/protocol'
import type { EventSender } from './event-sender.ts'
import { RunError } from './failure.ts'
import { createOutputCollector } from './output.ts'
import { runProcess } from './process.ts'

export interface ShellContext {
  cwd: string
  env: Record<string, string>
  timeoutMs: number
  signal: AbortSignal
  events: Pick<EventSender, 'emit' | 'ready'>
}

/** How long output is collected before it is shown. */
const SHOW_MS = 50

const runShell = async (context: ShellContext, command: string): Promise<VerifyResult> => {
  const output = createOutputCollector((stream, text) => context.events.emit('log', { stream, text }))
  const shower = setInterval(() => output.flush(), SHOW_MS)
  const startedAt = performance.now()
  try {
    const { exitCode, timedOut } = await runProcess('bash', ['-c', command], {
      cwd: context.cwd,
      env: context.env,
      timeoutMs: context.timeoutMs,
      signal: context.signal,
      onOutput: (stream, chunk) => {
        output.write(stream, chunk)
        return context.events.ready()
      },
    })
    output.end()
    const note = timedOut
      ? `\n[stopped after ${Math.round(context.timeoutMs / 1000)} s: the time limit of a command]`
      : ''
    return {
      command,
      exitCode,
      durationMs: Math.round(performance.now() - startedAt),
      output: output.tail() + note,
    }
  } finally {
    clearInterval(shower)
  }
}

const inBrief = (text: string): string => (text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text)

export const runSetup = async (context: ShellContext, commands: readonly string[]): Promise<void> => {
  for (const command of commands) {
    context.events.emit('log', { stream: 'system', text: `$ ${command}\n` })
    const { exitCode, output } = await runShell(context, command)
    if (exitCode === 0) continue
    const message = `The setup command \`${inBrief(command)}\` failed with exit code ${exitCode}:\n${output.slice(-4000)}`
    throw new RunError('setup_failed', message.toWellFormed())
  }
}

/** All of them, also after one failed: the whole picture saves a round. */
export const runVerify = async (
  context: ShellContext,
  commands: readonly string[],
  { round, clean }: { round: number; clean: boolean },
): Promise<VerifyResult[]> => {
  const results: VerifyResult[] = []
  for (const command of commands) {
    context.events.emit('verify.started', { command, round, clean })
    const result = await runShell(context, command)
    context.events.emit('verify.finished', { ...result, round, clean })
    results.push(result)
  }
  return results
}

const FEEDBACK_CHARS = 8 * 1024

export const failed = (results: readonly VerifyResult[]): VerifyResult[] =>
  results.filter(result => result.exitCode !== 0)

/** The next prompt after verify failed. */
export const verifyFeedback = (results: readonly VerifyResult[]): string => {
  const failures = failed(results)
  const share = Math.floor(FEEDBACK_CHARS / Math.max(1, failures.length))
  const parts = failures.map(
    ({ command, exitCode, output }) =>
      `\`${command}\` failed with exit code ${exitCode}. The last part of its output:\n\n${output.slice(-share).toWellFormed()}`,
  )
  return `The check that decides whether this work is accepted failed.\n\n${parts.join('\n\n')}\n\nFind the cause and fix it.`
}

export const verifyFailure = (results: readonly VerifyResult[]): string => {
  const names = failed(results).map(
    ({ command, exitCode }) => `\`${inBrief(command)}\` (exit code ${exitCode})`,
  )
  return `Verify failed: ${names.join(', ')}`
}
