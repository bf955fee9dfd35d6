// Where the name of the agent image stands that this checkout built last. Cheap to read; computing it anew is build.ts' affair.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Below the checkout's root. */
export const AGENT_IMAGE_FILE = '.cache/agent-image'
export const AGENT_IMAGE_REPOSITORY = 'flowforge/agent'

/** Undefined when no image was built here yet. */
export async function readAgentImage(root: string): Promise<string | undefined> {
  const text = await readFile(join(root, AGENT_IMAGE_FILE), 'utf8').catch(() => '')
  return text.trim() || undefined
}

export async function writeAgentImage(root: string, image: string): Promise<void> {
  const file = join(root, AGENT_IMAGE_FILE)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${image}\n`)
  await rename(`${file}.new`, file)
}
