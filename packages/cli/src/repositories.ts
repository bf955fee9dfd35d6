// Finds repositories on the server by what people call them.
import type { FlowForge, Repository } from '@flowforge/sdk'
import { CliFailure } from './failure.ts'

export async function findRepository(flowforge: FlowForge, name: string): Promise<Repository | undefined> {
  for await (const repository of flowforge.repositories.list({ limit: 100 })) {
    if (repository.name === name || repository.id === name) return repository
  }
  return undefined
}

export async function requireRepository(flowforge: FlowForge, name: string): Promise<Repository> {
  const repository = await findRepository(flowforge, name)
  if (repository) return repository
  throw new CliFailure(`There is no repository "${name}".`, { next: 'List them with: flowforge repo list' })
}

/** `name`, or `name-2`, `name-3`, … when it is taken. */
export async function freeName(flowforge: FlowForge, name: string): Promise<string> {
  const taken = new Set<string>()
  for await (const repository of flowforge.repositories.list({ limit: 100 })) taken.add(repository.name)
  let candidate = name
  for (let number = 2; taken.has(candidate); number += 1) candidate = `${name}-${number}`
  return candidate
}

/** `https://host/a/b.git`, `ssh://…`, `git@host:a/b`. A name has neither `:` nor `//`. */
export const isGitUrl = (text: string): boolean => text.includes('://') || /^[^/\s]+:/.test(text)

const comparable = (url: string): string => url.replace(/\/+$/, '').replace(/\.git$/, '')

export async function findByUrl(flowforge: FlowForge, url: string): Promise<Repository | undefined> {
  for await (const repository of flowforge.repositories.list({ limit: 100 })) {
    if (repository.url !== null && comparable(repository.url) === comparable(url)) return repository
  }
  return undefined
}
