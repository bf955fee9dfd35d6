// The words of a push on the wire: what the server says it has, which refs the client wants moved, and the answer for each.
// Pure; https://git-scm.com/docs/pack-protocol#_pushing_data_to_a_server
import { FLUSH, PacketError, type PacketReader, pktLine, sideband } from './pkt-line.ts'

export interface RefCommand {
  ref: string
  /** null: the ref is to be created. */
  old: string | null
  /** null: the ref is to be deleted. */
  new: string | null
}

export interface PushRequest {
  commands: RefCommand[]
  capabilities: ReadonlySet<string>
}

/** null means done as asked, a text why not. */
export type RefAnswer = { ref: string; refused: string | null }

const COMMAND = /^((?:[0-9a-f]{40}|[0-9a-f]{64})) ((?:[0-9a-f]{40}|[0-9a-f]{64})) ([^\0]+)$/
const MAX_COMMANDS = 1000

/** Reads the part before the pack. Shallow lines are passed over: what matters is checked against the mirror's full history. */
export async function readPushRequest(reader: PacketReader): Promise<PushRequest> {
  const commands: RefCommand[] = []
  let capabilities: ReadonlySet<string> = new Set()
  for (;;) {
    const packet = await reader.packet()
    if (packet === null || packet.type === 'flush') return { commands, capabilities }
    const text = decoded(packet.payload)
    if (text.startsWith('shallow ')) continue
    if (text.startsWith('push-cert')) throw new PacketError('signed pushes are not supported')
    const end = commands.length === 0 ? text.indexOf('\0') : -1
    if (end >= 0)
      capabilities = new Set(
        text
          .slice(end + 1)
          .trim()
          .split(' '),
      )
    commands.push(parseCommand(end >= 0 ? text.slice(0, end) : text))
    if (commands.length > MAX_COMMANDS) throw new PacketError(`a push moves at most ${MAX_COMMANDS} refs`)
  }
}

/** A ref is bytes to Git; one that is not UTF-8 is not one that FlowForge would have named. */
function decoded(payload: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch {
    throw new PacketError('the ref name is not UTF-8')
  }
}

function parseCommand(line: string): RefCommand {
  const [, old, new_, ref] = COMMAND.exec(line.replace(/\n$/, '')) ?? []
  if (old === undefined || new_ === undefined || ref === undefined)
    throw new PacketError('the command can not be read')
  return { ref, old: idOrNull(old), new: idOrNull(new_) }
}

const idOrNull = (id: string): string | null => (/^0+$/.test(id) ? null : id)

export interface Advertisement {
  refs: readonly { ref: string; commit: string }[]
  /** Commits that the client need not send. */
  have: readonly string[]
}

/** The body of `GET info/refs?service=git-receive-pack`. Deletion, atomic pushes and options are not offered. */
export function pushAdvertisement({ refs, have }: Advertisement): Buffer {
  const lines = [
    ...refs.map(({ ref, commit }) => `${commit} ${ref}`),
    ...have.map(commit => `${commit} .have`),
  ]
  const format = lines[0]?.indexOf(' ') === 64 ? 'sha256' : 'sha1'
  if (lines.length === 0) lines.push(`${'0'.repeat(40)} capabilities^{}`)
  const capabilities = `report-status side-band-64k quiet ofs-delta object-format=${format} agent=flowforge`
  const packets = lines.map((line, index) =>
    pktLine(index === 0 ? `${line}\0${capabilities}\n` : `${line}\n`),
  )
  return Buffer.concat([pktLine('# service=git-receive-pack\n'), FLUSH, ...packets, FLUSH])
}

export interface PushReport {
  /** Why the pack could not be used, or null. */
  unpackFailure: string | null
  answers: readonly RefAnswer[]
  /** Shown by the client as `remote: …`. */
  messages?: readonly string[]
}

/** The body of the answer to `POST git-receive-pack`. */
export function pushReport(
  { unpackFailure, answers, messages = [] }: PushReport,
  capabilities: ReadonlySet<string>,
): Buffer {
  if (!capabilities.has('report-status')) return FLUSH
  const status = Buffer.concat([
    pktLine(`unpack ${unpackFailure === null ? 'ok' : oneLine(unpackFailure)}\n`),
    ...answers.map(({ ref, refused }) =>
      pktLine(refused === null ? `ok ${ref}\n` : `ng ${ref} ${oneLine(refused)}\n`),
    ),
    FLUSH,
  ])
  if (!capabilities.has('side-band-64k')) return status
  const told = messages.map(message => sideband('message', `${oneLine(message)}\n`))
  return Buffer.concat([...told, sideband('data', status), FLUSH])
}

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 1000)
