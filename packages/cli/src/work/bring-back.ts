// After a job on a work tree has succeeded: its branch comes back, and people are told how to take it in.
import type { Job } from '@flowforge/sdk'
import type { Context } from '../context.ts'
import { plainLine } from '../output/plain-text.ts'
import type { Target } from './target.ts'

export async function bringBack(job: Job, target: Target, { output, environment }: Context): Promise<void> {
  if (target.kind !== 'work tree' || job.state !== 'succeeded' || !job.headCommit) return
  const { fetchResult } = await import('../git/fetch-result.ts')
  const { ref, why } = await fetchResult(target.workTree.path, target.remote, job, environment)
  const print = output.json ? output.message : output.line
  const branch = plainLine(job.branch)
  print('')
  print(
    why === undefined
      ? `Fetched branch ${branch}.`
      : `Your branch ${branch} ${HINDRANCE[why]}; the result is at ${ref}.`,
  )
  print(`Take it in with: git merge ${plainLine(ref)}`)
}

const HINDRANCE = { 'checked out': 'is checked out', 'has other commits': 'has commits of its own' } as const
