// The changed files as a tree of links into the page.
import { FileDiff, FileMinus, FilePlus, Folder } from 'lucide-react'
import { revealHidden } from '../text/hidden.ts'
import { fileTree, type TreeFolder } from './file-tree.ts'
import type { DiffFile } from './parse-diff.ts'

const ICONS = { added: FilePlus, deleted: FileMinus, renamed: FileDiff, modified: FileDiff } as const
const COLORS = {
  added: 'text-green',
  deleted: 'text-red',
  renamed: 'text-blue',
  modified: 'text-ink-3',
} as const

export function FileTree({ files }: { files: DiffFile[] }) {
  return <Level folder={fileTree(files)} />
}

function Level({ folder }: { folder: TreeFolder }) {
  return (
    <ul className="text-sm">
      {folder.folders.map(inner => (
        <li key={inner.name}>
          <p className="flex h-7 items-center gap-1.5 text-ink-2">
            <Folder className="size-3.5 shrink-0 text-ink-3" aria-hidden />
            <span className="truncate">{revealHidden(inner.name)}</span>
          </p>
          <div className="ml-1.5 border-l pl-2.5">
            <Level folder={inner} />
          </div>
        </li>
      ))}
      {folder.files.map(({ name, index, file }) => {
        const Icon = ICONS[file.status]
        return (
          <li key={index}>
            <a
              href={`#file-${index}`}
              title={revealHidden(file.path)}
              onClick={event => {
                event.preventDefault()
                document.getElementById(`file-${index}`)?.scrollIntoView()
                document.getElementById(`file-${index}`)?.focus({ preventScroll: true })
              }}
              className="flex h-7 items-center gap-1.5 rounded px-1 hover:bg-hover pointer-coarse:h-10"
            >
              <Icon
                className={`size-3.5 shrink-0 ${COLORS[file.status]}`}
                role="img"
                aria-label={file.status}
              />
              <span className="min-w-0 truncate">{revealHidden(name)}</span>
              <span className="tabular ml-auto shrink-0 text-xs">
                <span className="text-green">+{file.insertions}</span>{' '}
                <span className="text-red">−{file.deletions}</span>
              </span>
            </a>
          </li>
        )
      })}
    </ul>
  )
}
