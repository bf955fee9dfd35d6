// Times that the tests measure on their way: printed, so that the table in docs/guides/reliability.md can be renewed.

/** Milliseconds since `since` (performance.now()), printed under this name. */
export function measured(what: string, since: number): number {
  const ms = Math.round(performance.now() - since)
  console.info(`measured  ${what}: ${(ms / 1000).toFixed(1)} s`)
  return ms
}
