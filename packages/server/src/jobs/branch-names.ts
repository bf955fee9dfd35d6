// The branch a job gets when nobody names one: flowforge/<number>-<first words of the task>.

const MAX_WORDS_LENGTH = 40

export function branchFor(number: number, task: string): string {
  const words = task
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (words === '') return `flowforge/${number}`
  const cut =
    words.length <= MAX_WORDS_LENGTH ? words : words.slice(0, MAX_WORDS_LENGTH + 1).replace(/-[^-]*$/, '')
  return `flowforge/${number}-${cut.slice(0, MAX_WORDS_LENGTH)}`
}
