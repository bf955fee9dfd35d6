import { expect, test } from 'vitest'
import { parseDiff, unquote } from './parse-diff.ts'

const modified = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,3 @@
 one
-two
+TWO
+three
`

test('files, names and counts', () => {
  const files = parseDiff(`${modified}diff --git a/new file.txt b/new file.txt
new file mode 100644
index 0000000..3
--- /dev/null
+++ b/new file.txt\t
@@ -0,0 +1 @@
+hi
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
`)
  expect(
    files.map(({ path, status, insertions, deletions }) => [path, status, insertions, deletions]),
  ).toEqual([
    ['src/a.ts', 'modified', 2, 1],
    ['new file.txt', 'added', 1, 0],
    ['gone.txt', 'deleted', 0, 1],
  ])
})

test('renames, mode changes and binary files have no lines but are there', () => {
  const files = parseDiff(`diff --git a/old.ts b/dir/new.ts
similarity index 100%
rename from old.ts
rename to dir/new.ts
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/logo.png b/logo.png
index 1..2 100644
Binary files a/logo.png and b/logo.png differ
`)
  expect(files).toMatchObject([
    { path: 'dir/new.ts', oldPath: 'old.ts', status: 'renamed', text: '' },
    { path: 'run.sh', status: 'modified', binary: false },
    { path: 'logo.png', binary: true },
  ])
})

test('lines of a file that look like a diff do not change what is said of the file', () => {
  const [file, ...others] = parseDiff(`diff --git a/x.md b/x.md
--- a/x.md
+++ b/x.md
@@ -1,2 +1,3 @@
 deleted file mode 100644
+diff --git a/evil b/evil
+rename to evil
`)
  expect(others).toEqual([])
  expect(file).toMatchObject({ path: 'x.md', status: 'modified', insertions: 2 })
})

test('unusual names are read as Git quotes them', () => {
  expect(unquote('"gr\\303\\274n\\t\\"x\\".txt"')).toBe('grün\t"x".txt')
  expect(
    parseDiff(
      'diff --git "a/gr\\303\\274n" "b/gr\\303\\274n"\n--- "a/gr\\303\\274n"\n+++ "b/gr\\303\\274n"\n@@ -1 +1 @@\n-a\n+b\n',
    )[0]?.path,
  ).toBe('grün')
})

test('nothing and nonsense give no files', () => {
  expect(parseDiff('')).toEqual([])
  expect(parseDiff('hello\nworld')).toEqual([])
})
