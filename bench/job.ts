// How long a job takes from submit to succeeded, beside a bare script that does the same work: one hardened `docker run`
// that clones, runs Claude Code, commits and pushes. Both use the same image and the same scripted model, in turn.
//   script/bench job [JOBS]

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFlowForge, type FlowForge } from '@flowforge/sdk'
import { execa } from 'execa'
import { type Figures, figures, printTable, saveResult } from './report.ts'
import { type System, startSystem } from './system.ts'

const JOBS = Number(process.argv[2] ?? 25)
const WARM_UP = 2
const TASK = 'Write a greeting'

interface Sample {
  containerMs: number
  firstRequestMs: number
  succeededMs: number
}

/** Times are of this process's clock; server, model and this process share one machine. */
async function runJob({ model }: System, client: FlowForge, repositoryId: string): Promise<Sample> {
  await model.forget()
  const submittedAt = Date.now()
  const job = await client.jobs.create({ repositoryId, task: TASK, baseBranch: 'main' })
  let containerAt = 0
  let succeededAt = 0
  for await (const event of client.jobs.follow(job.id)) {
    // The first word of the runner in the container.
    if (event.type === 'job.stage' && (event.data as { stage: string }).stage === 'cloning')
      containerAt = Date.now()
    if (event.type === 'job.succeeded') succeededAt = Date.now()
    if (event.type === 'job.failed') throw new Error(`job failed: ${JSON.stringify(event.data)}`)
  }
  const firstRequestAt = await model.firstMessageAt()
  return {
    containerMs: containerAt - submittedAt,
    firstRequestMs: firstRequestAt - submittedAt,
    succeededMs: succeededAt - submittedAt,
  }
}

async function addRepository({ url, token, directory }: System, client: FlowForge): Promise<string> {
  const repository = await client.repositories.create({ name: 'bench' })
  const basic = Buffer.from(`bench:${token}`).toString('base64')
  await execa('git', ['push', '--quiet', `${url}/git/default/bench.git`, 'HEAD:refs/heads/main'], {
    cwd: join(directory, 'work'),
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.extraHeader',
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    },
  })
  return repository.id
}

/** A small repository, and a bare copy that the script's container may push to. */
async function prepareBareScript({ directory }: System): Promise<string> {
  const work = join(directory, 'work')
  await mkdir(work, { recursive: true })
  const git = (...args: string[]) => execa('git', args, { cwd: work })
  await git('init', '--quiet', '--initial-branch=main')
  for (let file = 0; file < 20; file++)
    await writeFile(join(work, `file-${file}.txt`), `line of file ${file}\n`.repeat(50))
  await git('add', '--all')
  await git(
    '-c',
    'user.name=bench',
    '-c',
    'user.email=bench@example.org',
    'commit',
    '--quiet',
    '--message=start',
  )
  const origin = join(directory, 'origin.git')
  await execa('git', ['clone', '--quiet', '--bare', work, origin])
  await writeFile(join(origin, 'no-settings.json'), '{}')
  await execa('chown', ['-R', '1000:1000', origin])
  return origin
}

const SCRIPT = `set -e
git clone --quiet /origin.git /workspace/repository && cd /workspace/repository
git checkout --quiet -b "$BRANCH"
claude -p "$TASK" --dangerously-skip-permissions >/dev/null
git add --all && git commit --quiet --message=done && git push --quiet origin "$BRANCH"`

async function runBareScript({ model, image }: System, origin: string, run: number): Promise<number> {
  const environment = {
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: model.apiKey,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    IS_SANDBOX: '1',
    GIT_AUTHOR_NAME: 'bench',
    GIT_AUTHOR_EMAIL: 'bench@example.org',
    GIT_COMMITTER_NAME: 'bench',
    GIT_COMMITTER_EMAIL: 'bench@example.org',
    HOME: '/home/agent',
    BRANCH: `bare-${run}`,
    TASK,
  }
  const tmpfs = ['/home/agent', '/tmp', '/workspace'].flatMap(path => [
    '--tmpfs',
    `${path}:exec,uid=1000,gid=1000,mode=0700`,
  ])
  const limits = ['--pids-limit', '512', '--memory', '4g', '--memory-swap', '4g', '--cpus', '2']
  const hardening = [
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '--user',
    '1000:1000',
    '--init',
    '--ipc',
    'private',
  ]
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const startedAt = Date.now()
  // The host's network: setting up a bridge would cost the script more than it does us.
  await execa('docker', [
    'run',
    '--rm',
    '--network',
    'host',
    ...hardening,
    ...limits,
    ...tmpfs,
    ...variables,
    '--volume',
    `${origin}:/origin.git`,
    // The image's settings lead to the gateway, which the script does not have.
    '--volume',
    `${join(origin, 'no-settings.json')}:/etc/claude-code/managed-settings.json:ro`,
    '--entrypoint',
    '/bin/sh',
    image,
    '-c',
    SCRIPT,
  ])
  return Date.now() - startedAt
}

async function report(samples: Sample[], bareMs: number[], idleRssMb: number): Promise<void> {
  const of = (pick: (sample: Sample) => number): Figures => figures(samples.map(pick))
  const rows = {
    'submit → container': of(sample => sample.containerMs),
    'submit → first model request': of(sample => sample.firstRequestMs),
    'submit → succeeded': of(sample => sample.succeededMs),
    'bare script': figures(bareMs),
  }
  const ratio = {
    p50: rows['submit → succeeded'].p50 / rows['bare script'].p50,
    p95: rows['submit → succeeded'].p95 / rows['bare script'].p95,
  }
  printTable(`${samples.length} jobs, one after the other, beside the bare script (ms)`, rows)
  process.stdout.write(
    `ratio to the bare script   p50 ${ratio.p50.toFixed(2)}   p95 ${ratio.p95.toFixed(2)}   (aim: p50 ≤ 1.3)\n`,
  )
  process.stdout.write(
    `idle memory of server, worker and Postgres: ${idleRssMb.toFixed(0)} MB (aim: ≤ 300)\n`,
  )
  await saveResult('job', { jobs: samples.length, milliseconds: rows, ratio, idleRssMb })
}

const system = await startSystem({ prefix: 'ffb-' })
try {
  const client = createFlowForge({ baseUrl: system.url, token: system.token })
  const bare = await prepareBareScript(system)
  const repositoryId = await addRepository(system, client)
  const idleRssMb = await system.residentMegabytes()

  const samples: Sample[] = []
  const bareMs: number[] = []
  for (let run = -WARM_UP; run < JOBS; run++) {
    const scriptMs = await runBareScript(system, bare, run + WARM_UP)
    const sample = await runJob(system, client, repositoryId)
    if (run < 0) continue
    bareMs.push(scriptMs)
    samples.push(sample)
    process.stderr.write(`\r${run + 1}/${JOBS} `)
  }
  process.stderr.write('\r')
  await report(samples, bareMs, idleRssMb)
} finally {
  await system.stop()
}
