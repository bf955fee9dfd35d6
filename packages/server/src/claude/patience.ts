// How long a job waits for an API that is overloaded or does not answer, in Claude Code's own words: it does the waiting.
// Names and effects were tried with the version in the agent image (2.1.330); packages/runner/src/environment.ts has more.

const LONGEST_SILENCE_SECONDS = 120
const MOST_RETRIES = 10
const FIRST_PAUSE_SECONDS = 0.5
const LONGEST_PAUSE_SECONDS = 32

/** A stream that says nothing for so long is dead; the API pings every few seconds while it thinks. */
export const longestSilenceMs = (seconds: number): number => Math.min(LONGEST_SILENCE_SECONDS, seconds) * 1000

/** Variables for every container. */
export const patienceWithClaude = (seconds: number): Record<string, string> => ({
  CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS: String(seconds * 1000),
  CLAUDE_CODE_MAX_RETRIES: String(retriesWithin(seconds)),
  CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: String(longestSilenceMs(seconds)),
})

/** Its pauses double up to a bound; the last retry is to begin within the time. */
function retriesWithin(seconds: number): number {
  let retries = 0
  for (let waited = FIRST_PAUSE_SECONDS; waited <= seconds && retries < MOST_RETRIES; retries += 1)
    waited += Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (retries + 1))
  return retries
}
