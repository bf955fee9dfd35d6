// A runner that speaks after its time: the old container of an attempt that another worker has taken over or given up. It
// has the right token and knows the right socket, as a real one would.
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTAINER_PATHS, GATEWAY_PATHS } from '@flowforge/protocol'
import { Agent, request } from 'undici'
import { client, commit, git } from '../../packages/server/src/git/test-host.ts'
import { attemptToken } from '../../packages/server/src/secrets/attempt-token.ts'
import { createSealing } from '../../packages/server/src/secrets/sealing.ts'
import type { Installation } from './processes.ts'
import { startWire } from './wire.ts'

export interface StaleRunner {
  /** The gateway's answer; 0 when there was none. */
  say(text: string): Promise<number>
  settle(): Promise<number>
  /** Whether a push of another commit on top of this clone's branch was taken. */
  push(clone: string, branch: string): Promise<boolean>
  /** A batch of lines as another source of the same container, for what a broken network does to batches. */
  send(batch: {
    source: string
    firstSourceSeq: number
    lines: string[]
  }): Promise<{ status: number; body: unknown }>
}

export interface Whereabouts {
  /** Of the worker that held it. */
  dataDirectory: string
  attemptId: string
}

export function staleRunner(
  { directory, masterKey }: Pick<Installation, 'directory' | 'masterKey'>,
  { dataDirectory, attemptId }: Whereabouts,
): StaleRunner {
  const token = attemptToken(createSealing(masterKey).derive('attempt-tokens'), `${attemptId}/agent`)
  const door = createHash('sha256').update(`${attemptId}/agent`).digest('hex').slice(0, 16)
  const socketPath = join(dataDirectory, 'doors', door, CONTAINER_PATHS.gatewaySocket.split('/').at(-1)!)
  const dispatcher = new Agent({ connect: { socketPath } })
  const post = async (path: string, body: unknown): Promise<{ status: number; body: unknown }> => {
    try {
      const answer = await request(`http://gateway${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        dispatcher,
      })
      const text = await answer.body.text()
      return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
    } catch {
      return { status: 0, body: undefined }
    }
  }
  const send: StaleRunner['send'] = ({ source, firstSourceSeq, lines }) => {
    const at = new Date().toISOString()
    const events = lines.map(text => ({ type: 'log', at, data: { stream: 'stdout', text } }))
    return post(GATEWAY_PATHS.events, { source, firstSourceSeq, events })
  }
  return {
    send,
    say: async text => (await send({ source: randomUUID(), firstSourceSeq: 1, lines: [text] })).status,
    settle: async () =>
      (await post(GATEWAY_PATHS.settle, { outcome: 'completed', summary: 'Stale', verify: [] })).status,
    push: async (origin, branch) => {
      // Git knows no Unix sockets.
      const wire = await startWire({ path: socketPath })
      const clone = join(await mkdtemp(join(directory, 'stale-')), 'clone')
      await git(directory, 'clone', '--quiet', origin, clone)
      await commit(clone, { 'stale.txt': 'stale\n' }, 'Stale')
      const url = `http://127.0.0.1:${wire.port}${GATEWAY_PATHS.git}`
      const header = `http.extraHeader=Authorization: Bearer ${token}`
      const { exitCode } = await client(clone, [
        '-c',
        header,
        'push',
        '--quiet',
        url,
        `HEAD:refs/heads/${branch}`,
      ])
      await wire.close()
      return exitCode === 0
    },
  }
}

export async function liveAttempt({ postgres }: Installation, job: { id: string }): Promise<string> {
  const [row] = await postgres.query<{ id: string }>(
    'select id from attempts where job_id = $1 and ended_at is null',
    [job.id],
  )
  return row!.id
}
