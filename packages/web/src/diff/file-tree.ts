// Changed files as a tree; folders with a single folder in them are one line. Pure.
import type { DiffFile } from './parse-diff.ts'

export interface TreeFolder {
  name: string
  folders: TreeFolder[]
  files: { name: string; index: number; file: DiffFile }[]
}

export function fileTree(files: readonly DiffFile[]): TreeFolder {
  const root: TreeFolder = { name: '', folders: [], files: [] }
  files.forEach((file, index) => {
    const parts = file.path.split('/')
    const name = parts.pop() ?? file.path
    let folder = root
    for (const part of parts) {
      let next = folder.folders.find(candidate => candidate.name === part)
      if (!next) {
        next = { name: part, folders: [], files: [] }
        folder.folders.push(next)
      }
      folder = next
    }
    folder.files.push({ name, index, file })
  })
  return { ...root, folders: root.folders.map(joinChains) }
}

function joinChains(folder: TreeFolder): TreeFolder {
  let joined = folder
  let [only] = joined.folders
  while (joined.files.length === 0 && joined.folders.length === 1 && only) {
    joined = { ...only, name: `${joined.name}/${only.name}` }
    only = joined.folders[0]
  }
  return { ...joined, folders: joined.folders.map(joinChains) }
}
