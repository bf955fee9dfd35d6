// One attempt for a test: a bare repository, a gateway, and the real runner as a process of its own with the real Claude Code.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { WorkOrder } from '@flowforge/protocol'
import { createTestGateway, type TestGateway } from './gateway.ts'
import { createMessagesApi, type Script, type SeenRequest } from './messages-api.ts'

const repositoryRoot = join(import.meta.dirname, '../../..')
const claudeExecutable = join(
  repositoryRoot,
  `node_modules/@anthropic-ai/claude-agent-sdk-linux-${process.arch}/claude`,
)
export const TOKEN = 'attempt-token-of-the-test'
export const BRANCH = 'flowforge/job-1'

export interface TestAttempt {
  directory: string
  repository: string
  gateway: TestGateway
  seen: SeenRequest[]
  base: string
  bare: string
  /** Starts the runner's process; may be called again to restart it in the same "container". */
  start(): ChildProcess
  /** Its exit code, once it has ended. */
  ended(child: ChildProcess): Promise<number | null>
  stderr(): string
  git(...args: string[]): string
  tip(): string | undefined
  dispose(): Promise<void>
}

export interface TestAttemptOptions {
  files?: Record<string, string>
  order?: Partial<Extract<WorkOrder, { phase: 'agent' }>>
  phase?: 'agent' | 'verify'
  script?: Script
  filter?: 'blob:none'
  checkoutRef?: string
  /** Variables of the "container". */
  environment?: Record<string, string>
  /** What is started instead of the sources: the bundled runner. */
  program?: string
  /** Installed as the bare repository's update hook. */
  updateHook?: string
  /** An attempt of the same job before this one: what it pushed and saved is there, its container is not. */
  after?: TestAttempt
}

const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org']

const makeRepository = (directory: string, files: Record<string, string>, updateHook?: string) => {
  const source = join(directory, 'source')
  const bare = join(directory, 'bare.git')
  mkdirSync(source)
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', source, ...author, ...args], { encoding: 'utf8' }).trim()
  git('init', '--quiet', '--initial-branch=main')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  git('add', '--all')
  git('commit', '--quiet', '--message=Begin')
  execFileSync('git', ['clone', '--quiet', '--bare', source, bare])
  execFileSync('git', ['-C', bare, 'config', 'uploadpack.allowFilter', 'true'])
  if (updateHook !== undefined) writeFileSync(join(bare, 'hooks/update'), updateHook, { mode: 0o755 })
  return { bare, base: git('rev-parse', 'HEAD') }
}

/** A runner that a test killed leaves its children behind; in a container they would end with it. */
const killInside = (directory: string): boolean => {
  let found = false
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)) {
        found = true
        process.kill(Number(pid), 'SIGKILL')
      }
    } catch {
      // Ended meanwhile.
    }
  }
  return found
}

const open: TestAttempt[] = []

/** For `afterEach`: ends what a test left running. */
export const disposeAttempts = async (): Promise<void> => {
  for (const attempt of open.splice(0)) await attempt.dispose()
}

export const createAttempt = async (options: TestAttemptOptions = {}): Promise<TestAttempt> => {
  const directory = mkdtempSync(join(tmpdir(), 'flowforge-runner-'))
  const files = { 'README.md': '# Sample\n', ...options.files }
  const { bare, base } = options.after ?? makeRepository(directory, files, options.updateHook)
  const workspace = join(directory, 'workspace')
  const home = join(directory, 'home')
  for (const path of [workspace, home, join(directory, 'gateway')]) mkdirSync(path)
  const socketPath = join(directory, 'gateway/gateway.sock')
  const api = createMessagesApi(
    options.script ?? (() => ({ blocks: [{ type: 'text', text: 'Nothing to do.' }] })),
  )
  const common = {
    protocolVersion: 1,
    attemptId: 'attempt-1',
    jobId: 'job-1',
    git: {
      baseBranch: 'main',
      baseCommit: base,
      checkoutCommit: base,
      checkoutRef: options.checkoutRef ?? 'refs/heads/main',
      branch: BRANCH,
      ...(options.filter ? { filter: options.filter } : {}),
      author: { name: 'FlowForge', email: 'flowforge@example.org' },
    },
    setup: [],
    verify: [],
    commandTimeoutSeconds: 60,
    environment: {},
    egress: false,
  }
  const order: WorkOrder =
    options.phase === 'verify'
      ? { ...common, ...options.order, phase: 'verify' }
      : { ...common, task: 'Do it.', verifyRounds: 1, ...options.order, phase: 'agent' }
  const gateway = createTestGateway({
    socketPath,
    token: TOKEN,
    order,
    bareRepository: bare,
    claude: api.handle,
  })
  gateway.sessions.push(...(options.after?.gateway.sessions ?? []))
  await gateway.listen()

  const children: ChildProcess[] = []
  let stderr = ''
  const git = (...args: string[]) => execFileSync('git', ['-C', bare, ...args], { encoding: 'utf8' }).trim()
  const attempt: TestAttempt = {
    directory,
    repository: join(workspace, 'repository'),
    gateway,
    seen: api.seen,
    base,
    bare,
    start: () => {
      const child = spawn(
        process.execPath,
        [options.program ?? join(repositoryRoot, 'packages/runner/src/main.ts')],
        {
          cwd: workspace,
          env: {
            PATH: process.env.PATH ?? '',
            HOME: home,
            FLOWFORGE_GATEWAY_SOCKET: socketPath,
            FLOWFORGE_ATTEMPT_TOKEN: TOKEN,
            FLOWFORGE_REPOSITORY_DIRECTORY: join(workspace, 'repository'),
            FLOWFORGE_STATE_DIRECTORY: join(workspace, '.flowforge'),
            FLOWFORGE_RELAY_PORT: '0',
            FLOWFORGE_CLAUDE_EXECUTABLE: claudeExecutable,
            ...options.environment,
          },
          stdio: ['ignore', 'inherit', 'pipe'],
        },
      )
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk.toString('utf8')
      })
      children.push(child)
      return child
    },
    ended: child =>
      new Promise(resolve => {
        if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode)
        else child.once('exit', code => resolve(code))
      }),
    stderr: () => stderr,
    git,
    tip: () => {
      const line = git('for-each-ref', '--format=%(objectname)', `refs/heads/${BRANCH}`)
      return line === '' ? undefined : line
    },
    dispose: async () => {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
      await gateway.vanish()
      while (killInside(directory)) await new Promise<void>(resolve => setImmediate(resolve))
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  open.push(attempt)
  return attempt
}

/** Runs to the end; fails the test when the gateway was told something that the protocol does not know. */
export const finish = async (attempt: TestAttempt) => {
  const code = await attempt.ended(attempt.start())
  if (attempt.gateway.problems.length > 0) throw new Error(attempt.gateway.problems.join('\n'))
  return { code, report: attempt.gateway.settled[0] }
}
