// The container's credential. Derived from the attempt's id, so that whoever adopts the attempt knows it and nothing
// needs to be stored. It opens the attempt's own door alone, and only while the lease lives.
import { createHmac } from 'node:crypto'

export const attemptToken = (key: Buffer, attemptId: string): string =>
  `fft_${createHmac('sha256', key).update(attemptId).digest('base64url')}`
