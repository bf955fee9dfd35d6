// The environments of the runner's children, each made from scratch: no child gets more than is written here.
// Secrets travel in variables alone, never in arguments or URLs.
import { GATEWAY_PATHS, type WorkOrder } from '@flowforge/protocol'

export interface EnvironmentInput {
  /** What the image sets (PATH, HOME, locale …); FlowForge's own variables are left out. */
  inherited: Record<string, string>
  relayPort: number
  token: string
  order: WorkOrder
}

const relayUrl = (port: number): string => `http://127.0.0.1:${port}`

export const gitUrl = (relayPort: number): string => `${relayUrl(relayPort)}${GATEWAY_PATHS.git}`

/** Git's configuration by variables: the token's header goes to the gateway's address and nowhere else. */
const gitVariables = ({ relayPort, token, order }: EnvironmentInput): Record<string, string> => {
  const base = `http.${relayUrl(relayPort)}/`
  const config: [string, string][] = [
    [`${base}.extraHeader`, `Authorization: Bearer ${token}`],
    [`${base}.proxy`, ''],
    ['credential.helper', ''],
    ['protocol.version', '2'],
    ['protocol.ext.allow', 'never'],
    ['advice.detachedHead', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
  ]
  const { name, email } = order.git.author
  return {
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
}

/** Both spellings: curl reads `http_proxy` in lower case only. */
const proxyVariables = ({ relayPort, token, order }: EnvironmentInput): Record<string, string> => {
  const direct = '127.0.0.1,localhost'
  const always = { NO_PROXY: direct, no_proxy: direct }
  if (!order.egress) return always
  const url = `http://flowforge:${encodeURIComponent(token)}@127.0.0.1:${relayPort}`
  return { ...always, HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url }
}

/** For Git as the runner runs it: nothing that the job's owner or the agent chose. */
export const gitEnvironment = (input: EnvironmentInput): Record<string, string> => ({
  ...input.inherited,
  ...gitVariables(input),
  NO_PROXY: '127.0.0.1,localhost',
  // Messages are matched (refusals, full disk).
  LC_ALL: 'C.UTF-8',
  // Only the clone's configuration counts; the home directory may have been written by the agent.
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
})

/** For setup and verify: what the owner asked for, then what makes Git and the proxy work. */
export const commandEnvironment = (input: EnvironmentInput): Record<string, string> => ({
  ...input.inherited,
  CI: '1',
  ...input.order.environment,
  ...gitVariables(input),
  ...proxyVariables(input),
})

/** Variables by which an owner's `environment` could redirect Claude Code itself; its tools lose nothing by it. */
const CLAUDE_OWN = /^(ANTHROPIC_|CLAUDE|API_TIMEOUT_MS$|BUN_OPTIONS$)/

/** Claude Code's own limits. Names and effects were tried with the pinned version (2.1.330). */
const CLAUDE_LIMITS = {
  // An overloaded API (429, 529) is waited out for this long; the work so far would be lost otherwise.
  CLAUDE_CODE_RETRY_WATCHDOG: '1',
  CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS: String(15 * 60_000),
  // Other errors that may pass: about three minutes with its back-off.
  CLAUDE_CODE_MAX_RETRIES: '10',
  // A stream that says nothing for so long is dead. The API pings every few seconds while it thinks.
  CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
  CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '120000',
  API_TIMEOUT_MS: '600000',
}

/** Whoever runs the containers may set other limits in the image or the executor. */
const claudeLimits = (inherited: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(CLAUDE_LIMITS).map(([key, value]) => [key, inherited[key] ?? value]))

export const claudeEnvironment = (input: EnvironmentInput): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(commandEnvironment(input)).filter(([key]) => !CLAUDE_OWN.test(key))),
  ...claudeLimits(input.inherited),
  // A command that is allowed in verify is allowed to Claude for as long.
  BASH_MAX_TIMEOUT_MS: String(Math.max(600, input.order.commandTimeoutSeconds) * 1000),
  ANTHROPIC_BASE_URL: `${relayUrl(input.relayPort)}${GATEWAY_PATHS.claude}`,
  ANTHROPIC_AUTH_TOKEN: input.token,
  // Nothing but the model's API: no telemetry, no update, no downloads.
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
  DISABLE_AUTOUPDATER: '1',
  DISABLE_INSTALLATION_CHECKS: '1',
  // The home directory is gone after the job: memories written there would only cost tokens.
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  // A start that fails says why in a result message instead of on stderr alone.
  CLAUDE_CODE_STARTUP_FAILURE_RESULTS: '1',
  // The container is the sandbox; without it root (in tests) may not skip permission prompts.
  IS_SANDBOX: '1',
})
