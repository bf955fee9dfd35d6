// The name of the agent image that script/setup built last from this checkout (images/agent/build.ts writes it).
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export async function readAgentImage(checkout: string): Promise<string | undefined> {
  const text = await readFile(join(checkout, '.cache', 'agent-image'), 'utf8').catch(() => '')
  return text.trim() || undefined
}
