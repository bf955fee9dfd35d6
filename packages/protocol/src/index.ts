// The words that cross a process boundary: job, states, events, and the protocol between the runner and the gateway.
// Schemas and pure functions only; no input or output.

export * from './branch-name.ts'
export * from './events.ts'
export * from './job.ts'
export * from './runner.ts'
