// A process whose clock is wrong, by Debian's libfaketime.
import { existsSync } from 'node:fs'
import { arch } from 'node:os'

const TRIPLETS: Record<string, string> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }
const LIBRARY = `/usr/lib/${TRIPLETS[arch()]}/faketime/libfaketime.so.1`

export const hasFakeTime = existsSync(LIBRARY)

/** `+600s`: ten minutes ahead. Durations stay right, as on a machine whose date alone is wrong. */
export const fakeTime = (skew: string): Record<string, string> => ({
  LD_PRELOAD: LIBRARY,
  FAKETIME: skew,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  DONT_FAKE_MONOTONIC: '1',
})
