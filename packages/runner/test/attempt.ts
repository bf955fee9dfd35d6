// One attempt for a test: a bare repository, a gateway, and the real runner as a process of its own with the real Claude Code.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  /** Variables of the "container". */
  environment?: Record<string, string>
  /** Installed as the bare repository's update hook. */
  updateHook?: string
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

export const createAttempt = async (options: TestAttemptOptions = {}): Promise<TestAttempt> => {
  const directory = mkdtempSync(join(tmpdir(), 'flowforge-runner-'))
  const files = { 'README.md': '# Sample\n', ...options.files }
  const { bare, base } = makeRepository(directory, files, options.updateHook)
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
      checkoutRef: 'refs/heads/main',
      branch: BRANCH,
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
  await gateway.listen()

  const children: ChildProcess[] = []
  let stderr = ''
  const git = (...args: string[]) => execFileSync('git', ['-C', bare, ...args], { encoding: 'utf8' }).trim()
  return {
    directory,
    repository: join(workspace, 'repository'),
    gateway,
    seen: api.seen,
    base,
    start: () => {
      const child = spawn(process.execPath, [join(repositoryRoot, 'packages/runner/src/main.ts')], {
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
      })
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
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export const readText = (path: string): string => readFileSync(path, 'utf8')
