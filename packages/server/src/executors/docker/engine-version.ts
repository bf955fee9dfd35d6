// What follows from the version of the engine for a network that must lead nowhere.

/** GHSA-mq39-4gv4-mvpx (CVE-2024-29018): internal networks forward DNS before 23.0.11 and, from 24 on, before 25.0.5. */
export const forwardsDns = (version: string): boolean => {
  const [major, minor, patch] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number)
  // A version that says nothing could be any.
  if (major === undefined || minor === undefined || patch === undefined) return true
  if (major === 23) return minor === 0 && patch < 11
  if (major === 25) return minor === 0 && patch < 5
  return major < 26
}

export const dnsProblem = (version: string): string =>
  `Docker ${version} may forward DNS out of internal networks (CVE-2024-29018): use 25.0.5 or newer, or 23.0.11.`
