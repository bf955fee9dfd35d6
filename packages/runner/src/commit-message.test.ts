import { expect, test } from 'vitest'
import { commitMessage } from './commit-message.ts'

const subject = (task: string, summary = ''): string =>
  commitMessage({ task, summary, jobId: 'j' }).split('\n')[0] ?? ''

test.each([
  ['Fix the pager. It skips the last page.', '', 'Fix the pager'],
  ['\n\n## Fix `parse()` in **reader.ts**:\n- and more', '', 'Fix parse() in reader.ts'],
  ['- add tests\n- add docs', '', 'add tests'],
  [`${'very '.repeat(30)}long task`, 'Shortened the reader loop. Also more.', 'Shortened the reader loop'],
  ['', '', 'Changes by Claude Code'],
])('the subject is the first sentence of the task, or of the summary (%#)', (task, summary, expected) => {
  expect(subject(task, summary)).toBe(expected)
})

test('a subject has at most 72 characters and ends at a word', () => {
  const line = subject(`${'word '.repeat(40)}`)
  expect(line.length).toBeLessThanOrEqual(72)
  expect(line).toMatch(/word…$/)
})

test('the body has the task, the summary and the job', () => {
  expect(commitMessage({ task: 'Fix it.\nAll of it.', summary: '# Done\nI fixed it.', jobId: 'job-7' })).toBe(
    'Fix it\n\nTask: Fix it.\nAll of it.\n\n# Done\nI fixed it.\n\nFlowForge-Job: job-7\n',
  )
})
