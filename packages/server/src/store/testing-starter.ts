// A program for the tests of embedded-postgres.ts: starts or attaches, prints what it got, and waits to be killed.
import { startEmbeddedPostgres } from './embedded-postgres.ts'

const silent = { info: () => {}, warn: () => {} }
const server = await startEmbeddedPostgres({ dataDirectory: process.argv[2] ?? '', log: silent })
console.log(JSON.stringify({ pid: server.pid, started: server.started, appConfig: server.appConfig }))
process.once('SIGTERM', () => server.stop())
