// Where the server's programs are. The CLI starts them as programs and imports nothing of them.
import { fileURLToPath } from 'node:url'

const entry = (file: string): string =>
  fileURLToPath(new URL(`../../server/src/bin/${file}`, import.meta.url))

export const ALL_IN_ONE = entry('all-in-one.ts')
export const BACKUP = entry('backup.ts')
export const DOCTOR = entry('doctor.ts')
