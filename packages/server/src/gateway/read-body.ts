// Reads a request's body into memory, within bounds of size and time. Knows nothing of what is in it.
import type { IncomingMessage } from 'node:http'

export type ReadBody = { ok: true; body: Buffer } | { ok: false; why: 'too_large' | 'too_slow' | 'closed' }

/** `reserve` is asked for every chunk: false = no room left for this body. */
export function readBody(
  req: IncomingMessage,
  options: { timeoutMs: number; reserve: (bytes: number) => boolean },
): Promise<ReadBody> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    const done = (result: ReadBody) => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('close', onClose)
      if (!result.ok) req.pause()
      resolve(result)
    }
    const onData = (chunk: Buffer) => {
      if (options.reserve(chunk.length)) chunks.push(chunk)
      else done({ ok: false, why: 'too_large' })
    }
    const onEnd = () => done({ ok: true, body: Buffer.concat(chunks) })
    const onClose = () => done({ ok: false, why: 'closed' })
    const timer = setTimeout(() => done({ ok: false, why: 'too_slow' }), options.timeoutMs)
    // An 'error' is always followed by 'close'; without a listener it would end the process.
    req.on('error', () => {})
    req.on('data', onData).on('end', onEnd).on('close', onClose)
    if (req.destroyed) onClose()
  })
}
