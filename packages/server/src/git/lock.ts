// One exclusive lock per file, across processes and for each caller within one. The kernel holds it for a small helper whose
// standard input is ours, so that it is free the moment this process ends, also by kill -9: there are no stale locks to judge.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { FlowForgeError } from '../errors.ts'

/** Answers one line once the lock is held, then waits for the end of its input. Waiting costs no polling. */
const HOLDER: readonly [string, ...string[]] =
  process.platform === 'darwin'
    ? [
        '/usr/bin/perl',
        '-e',
        'open(F,">>",shift) or die; flock(F,2) or die; $|=1; print "\\n"; <STDIN>; <STDIN>',
        '--',
      ]
    : ['flock', '--exclusive', '--']
const HELD = process.platform === 'darwin' ? [] : ['cat']

/** Runs `act` while holding the lock on `file`, which is created when missing. An abort ends the wait. */
export async function withLock<T>(
  file: string,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const [command, ...args] = HOLDER
  const holder = spawn(command, [...args, file, ...HELD], { detached: true, stdio: 'pipe' })
  // Kept open on purpose: closing it is what releases the lock.
  holder.stdin.on('error', () => {})
  holder.stdin.write('\n')
  const giveUp = () => holder.kill('SIGKILL')
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    await held(holder, file, signal)
    signal?.removeEventListener('abort', giveUp)
    return await act()
  } finally {
    holder.stdin.end()
  }
}

async function held(
  holder: ChildProcessWithoutNullStreams,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  holder.once('error', cause =>
    reject(new FlowForgeError('unavailable', `${HOLDER[0]} is missing on this machine.`, { cause })),
  )
  holder.once('exit', () =>
    reject(
      signal?.aborted
        ? signal.reason
        : new FlowForgeError('unavailable', `The lock ${file} can not be taken.`),
    ),
  )
  failed.catch(() => {})
  await Promise.race([once(holder.stdout, 'data'), failed])
}
