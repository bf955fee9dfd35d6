// What `doctor` looks at in this process.
import { findUpstreamKind } from '../claude/upstream-kind.ts'
import { createDoctor, type Doctor } from '../doctor.ts'
import type { Executor } from '../executors/port.ts'
import type { Foundation } from './foundation.ts'

/** `executor` null: no worker runs here. */
export function createChecks(
  { config, database, storage, links }: Foundation,
  executor: Executor | null,
): Doctor {
  const { apiKey, baseUrl } = config.claude
  return createDoctor({
    database,
    storage,
    links,
    executor,
    version: config.version,
    dataDirectory: config.dataDirectory,
    backup: config.backup,
    leaseSeconds: config.leaseSeconds,
    claude: {
      hasKey: apiKey !== null,
      baseUrl,
      scripted: async () => (await findUpstreamKind(baseUrl)) === 'scripted',
    },
  })
}
