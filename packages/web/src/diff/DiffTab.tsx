// What a job changed: the files as a tree, and each file's lines.
import { useQuery } from '@tanstack/react-query'
import { FileDiff as DiffIcon } from 'lucide-react'
import { useMemo, useState } from 'react'
import { diffQuery } from '../api/queries.ts'
import type { Job, JobDiff } from '../api/types.ts'
import { isOver } from '../job/times.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { plural } from '../text/quantities.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { Notice } from '../ui/Notice.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'
import { FileCard } from './FileCard.tsx'
import { FileTree } from './FileTree.tsx'
import { parseDiff } from './parse-diff.ts'

export default function DiffTab({ job }: { job: Job }) {
  if (job.headCommit) return <LoadedDiff job={job} />
  return (
    <Empty icon={DiffIcon} title={isOver(job) ? 'No changes' : 'No changes yet'}>
      {isOver(job) ? 'This job pushed nothing.' : 'The diff appears when Claude’s work is pushed.'}
    </Empty>
  )
}

function LoadedDiff({ job }: { job: Job }) {
  const diff = useQuery(diffQuery(job.id, job.headCommit))
  if (diff.isPending) return <SkeletonRows rows={6} label="Loading the diff" />
  if (diff.isError) {
    return (
      <ErrorNotice
        title="The diff could not be loaded"
        error={diff.error}
        onRetry={() => void diff.refetch()}
      />
    )
  }
  return <DiffFiles diff={diff.data} />
}

type Layout = 'unified' | 'split'
const STORED_AS = 'flowforge.diff'

function DiffFiles({ diff }: { diff: JobDiff }) {
  const files = useMemo(() => parseDiff(diff.diff), [diff.diff])
  const [layout, setLayout] = useState<Layout>(() =>
    localStorage.getItem(STORED_AS) === 'split' ? 'split' : 'unified',
  )
  const choose = (next: Layout) => {
    localStorage.setItem(STORED_AS, next)
    setLayout(next)
  }
  if (files.length === 0) return <Empty icon={DiffIcon} title="No changes" />
  return (
    <div className="gap-6 xl:grid xl:grid-cols-[15rem_minmax(0,1fr)]">
      <nav
        aria-label="Changed files"
        className="mb-4 max-xl:rounded-lg max-xl:border max-xl:p-2 xl:sticky xl:top-32 xl:max-h-[calc(100dvh-9rem)] xl:self-start xl:overflow-y-auto"
      >
        <FileTree files={files} />
      </nav>
      <div className="min-w-0 space-y-4">
        <div className="flex items-center gap-2">
          <p className="tabular text-sm text-ink-2">
            {plural(diff.stat.filesChanged, 'file')} changed{' '}
            <span className="text-green">+{diff.stat.insertions}</span>{' '}
            <span className="text-red">−{diff.stat.deletions}</span>
          </p>
          <fieldset aria-label="Layout" className="ml-auto flex gap-1 max-md:hidden">
            {(['unified', 'split'] as const).map(name => (
              <Button
                key={name}
                size="sm"
                look={layout === name ? 'secondary' : 'ghost'}
                aria-pressed={layout === name}
                onClick={() => choose(name)}
              >
                {name === 'unified' ? 'Unified' : 'Split'}
              </Button>
            ))}
          </fieldset>
        </div>
        {diff.truncated && (
          <Notice look="warning" title="This diff is cut: it is too large to show as a whole">
            Fetch the branch to see all of it.
          </Notice>
        )}
        {files.map((file, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a name can come twice in a hostile diff
          <FileCard key={index} id={`file-${index}`} file={file} layout={layout} />
        ))}
      </div>
    </div>
  )
}
