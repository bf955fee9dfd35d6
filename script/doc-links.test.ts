// Documents lead somewhere: every relative link in a committed or new *.md names a file, and its #part a heading.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(name => name !== '' && existsSync(join(ROOT, name)))

test.each(documents)('%s', document => {
  const broken = linksOf(withoutCode(read(document)))
    .map(link => [link, whyBroken(document, link)] as const)
    .filter(([, why]) => why !== undefined)
  expect(broken).toEqual([])
})

const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8')

const withoutCode = (text: string): string =>
  text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, code => ' '.repeat(code.length))

/** `[text](target)` and `![text](target "title")`; what has a scheme leads out of this repository. */
const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g)]
    .map(match => match[1]!)
    .filter(link => !/^[a-z][a-z0-9+.-]*:/i.test(link))

function whyBroken(document: string, link: string): string | undefined {
  const [path = '', part] = link.split('#')
  const target = path === '' ? document : relative(ROOT, join(ROOT, dirname(document), decodeURI(path)))
  if (!existsSync(join(ROOT, target))) return `there is no ${target}`
  if (part === undefined || part === '') return undefined
  if (!statSync(join(ROOT, target)).isFile()) return `${target} has no headings`
  return anchorsOf(read(target)).has(part) ? undefined : `${target} has no heading #${part}`
}

/** As Git hosts make them: lower case, punctuation dropped, spaces to dashes. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.replace(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.+)$/gm)].map(match =>
      match[1]!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
