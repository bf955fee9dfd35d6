// What the gateway knows of the attempt behind a socket: enough to authorise and to meter, nothing secret but the token.

export interface GatewayAttempt {
  attemptId: string
  jobId: string
  organizationId: string
  repositoryId: string
  /** As people call it; named in the refusals that tell an agent what to ask its owner for. */
  repositoryName?: string
  /** Which attempt of the job this is, from 1. */
  number: number
  /** `agent` may push and talk to Claude; `verify` may only read Git; `rescue` may only save unfinished work. */
  phase: 'agent' | 'verify' | 'rescue'
  /** The container's credential; compared in constant time. */
  token: string
  /** The job's branch: the only one a push may go to. */
  branch: string
  baseCommit: string
  /** Models that may be asked for; empty = any. */
  allowedModels: string[]
  /** Domains the egress proxy lets through; `*.example.org` matches subdomains. Empty = nothing. */
  egressAllow: string[]
  /** Aborted when the lease is lost or the attempt ended: every open stream ends with it. */
  signal: AbortSignal
}
