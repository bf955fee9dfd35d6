// flowforge job submit FILE: many jobs in one request, all of them or none.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { FlowForge, NewBatch } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure, usageError } from '../../failure.ts'
import { requireRepository } from '../../repositories.ts'

type BatchJob = NewBatch['jobs'][number]
/** As in the API, but that a repository may be named, and the one of `--repo` left out. */
type FileJob = Omit<BatchJob, 'repositoryId'> & { repositoryId?: string; repository?: string }

interface SubmitOptions {
  file: string
  repo?: string
}

export const command = defineCommand<{ repo?: string }, SubmitOptions>({
  describe: command =>
    command
      .argument('<file>', 'JSON: a list of jobs as the API takes them; - reads it from stdin')
      .option('--repo <name>', 'the repository of those that name none')
      .addHelpText('after', EXAMPLE),
  parse: ([file], { repo }) => ({ file: file!, ...(repo === undefined ? {} : { repo }) }),
  run: async ({ file, repo }, context) => {
    const text = file === '-' ? await context.readStdin() : await read(resolve(context.cwd, file))
    const listed = parseJobs(text)
    const { flowforge } = await context.connect()
    const jobs = await flowforge.jobs.createBatch(await withRepositories(flowforge, listed, repo))
    if (context.output.json) context.output.value(jobs)
    else for (const job of jobs) context.output.line(`Job #${job.number} is ${job.state}`)
    return EXIT.success
  },
})

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliFailure(`${path} can not be read (${error.code}).`, { cause: error })
  })

/** The server checks the rest, and names what is wrong. */
function parseJobs(text: string): FileJob[] {
  const parsed = parseJson(text)
  const jobs = Array.isArray(parsed) ? parsed : (parsed as { jobs?: unknown } | null)?.jobs
  if (Array.isArray(jobs) && jobs.every(job => typeof job === 'object' && job !== null))
    return jobs as FileJob[]
  throw usageError(
    'The file is not a list of jobs.',
    'Write [{"task": "…"}, …], see flowforge job submit --help',
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw usageError(`The file is not JSON: ${(error as Error).message}.`)
  }
}

async function withRepositories(
  flowforge: FlowForge,
  jobs: FileJob[],
  fallback: string | undefined,
): Promise<BatchJob[]> {
  const ids = new Map<string, string>()
  const idOf = async (name: string): Promise<string> => {
    const known = ids.get(name) ?? (await requireRepository(flowforge, name)).id
    ids.set(name, known)
    return known
  }
  const complete: BatchJob[] = []
  for (const [index, { repository = fallback, repositoryId, ...job }] of jobs.entries()) {
    if (repositoryId === undefined && repository === undefined)
      throw usageError(
        `Job ${index + 1} names no repository.`,
        'Give it a "repository", or all of them --repo NAME.',
      )
    complete.push({ ...job, repositoryId: repositoryId ?? (await idOf(repository!)) })
  }
  return complete
}

const EXAMPLE = `
Example: three jobs, of which the last waits for the others and goes on from the result of one
  [{ "key": "build",  "task": "Port the build to Vite" },
   { "key": "docs",   "task": "Bring the README up to date" },
   { "task": "Remove the old build", "needs": ["docs"], "baseFrom": "build", "verify": ["npm test"] }]`
