// A Claude Code conversation as one file: the transcript, those of its sub-agents, and the plans. What the pinned version
// (2.1.330) needs to go on elsewhere. Reads and writes files; knows nothing of who keeps the archive.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'

export interface SessionPlace {
  /** The home directory of Claude Code. */
  home: string
  /** The directory that it was started in: transcripts are kept by its name. */
  cwd: string
}

const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** No way out of the directory, no hidden file. */
const FILE = /^[\w-][\w.-]*(\/[\w-][\w.-]*){0,3}$/
const MAX_FILES = 1_000
/** What a conversation of days has; a transcript that unfolds to more is none. */
const MAX_BYTES = 512 * 1024 * 1024

const Archive = z.object({
  version: z.literal(1),
  sessionId: z.string().regex(SESSION_ID),
  transcript: z.string(),
  /** Below the session's own directory: sub-agents, and what tools put aside. */
  beside: z.record(z.string().regex(FILE), z.string()),
  plans: z.record(z.string().regex(FILE), z.string()),
})

const transcripts = ({ home, cwd }: SessionPlace): string =>
  join(home, '.claude/projects', cwd.replaceAll(/[^a-zA-Z0-9]/g, '-'))

const plansDirectory = ({ home }: SessionPlace): string => join(home, '.claude/plans')

export const transcriptFile = (place: SessionPlace, sessionId: string): string =>
  join(transcripts(place), `${sessionId}.jsonl`)

/** The newest plan that Claude wrote; undefined: none. */
export const newestPlan = (place: SessionPlace): string | undefined => {
  const files = filesBelow(plansDirectory(place)).map(name => join(plansDirectory(place), name))
  const newest = files.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
  return newest === undefined ? undefined : readFileSync(newest, 'utf8')
}

const filesBelow = (directory: string): string[] => {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .filter(name => FILE.test(name))
      .slice(0, MAX_FILES)
  } catch {
    return []
  }
}

const readAll = (directory: string): Record<string, string> =>
  Object.fromEntries(filesBelow(directory).map(name => [name, readFileSync(join(directory, name), 'utf8')]))

const writeAll = (directory: string, files: Record<string, string>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
}

export interface PackedSession {
  archive: Buffer
  transcript: string
}

export const packSession = async (place: SessionPlace, sessionId: string): Promise<PackedSession> => {
  const transcript = readFileSync(transcriptFile(place, sessionId), 'utf8')
  const content: z.infer<typeof Archive> = {
    version: 1,
    sessionId,
    transcript,
    beside: readAll(join(transcripts(place), sessionId)),
    plans: readAll(plansDirectory(place)),
  }
  return { archive: await promisify(gzip)(JSON.stringify(content)), transcript }
}

/** Throws when it is damaged, or another session than the one that is wanted. */
export const unpackSession = async (
  place: SessionPlace,
  sessionId: string,
  archive: Buffer,
): Promise<void> => {
  const text = await promisify(gunzip)(archive, { maxOutputLength: MAX_BYTES })
  const content = Archive.parse(JSON.parse(text.toString('utf8')))
  if (content.sessionId !== sessionId) throw new Error(`the archive holds the session ${content.sessionId}`)
  mkdirSync(transcripts(place), { recursive: true })
  writeFileSync(transcriptFile(place, sessionId), content.transcript)
  writeAll(join(transcripts(place), sessionId), content.beside)
  writeAll(plansDirectory(place), content.plans)
}
