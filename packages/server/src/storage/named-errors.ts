// A stream whose errors are told in FlowForge's words. Ends its source when it is given up, also before it was read.
import { PassThrough, type Readable } from 'node:stream'

export function withNamedErrors(source: Readable, named: (error: unknown) => unknown): Readable {
  const passed = new PassThrough()
  source.on('error', error => passed.destroy(named(error) as Error))
  passed.on('close', () => source.destroy())
  return source.pipe(passed)
}
