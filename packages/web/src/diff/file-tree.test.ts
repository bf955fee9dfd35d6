import { expect, test } from 'vitest'
import { fileTree, type TreeFolder } from './file-tree.ts'
import type { DiffFile } from './parse-diff.ts'

const file = (path: string) => ({ path }) as DiffFile
const names = (folder: TreeFolder): unknown => [
  ...folder.folders.map(inner => ({ [inner.name]: names(inner) })),
  ...folder.files.map(({ name, index }) => `${name}#${index}`),
]

test('files stand in their folders, and chains of folders are one line', () => {
  const tree = fileTree(
    ['README.md', 'src/app/cart/total.ts', 'src/app/cart/coupon.ts', 'src/index.ts', 'a/b/c/d.ts'].map(file),
  )
  expect(names(tree)).toEqual([
    { src: [{ 'app/cart': ['total.ts#1', 'coupon.ts#2'] }, 'index.ts#3'] },
    { 'a/b/c': ['d.ts#4'] },
    'README.md#0',
  ])
})
