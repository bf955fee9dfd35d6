// An event as the bytes that go over the wire, made once however many watch.
import type { JobEvent } from '@flowforge/protocol'

const texts = new WeakMap<JobEvent, Buffer>()

export function eventText(event: JobEvent): Buffer {
  const known = texts.get(event)
  if (known) return known
  const text = Buffer.from(JSON.stringify(event))
  texts.set(event, text)
  return text
}
