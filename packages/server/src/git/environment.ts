// The environment of every Git process that FlowForge runs: the same everywhere, whatever the machine or its user has set up.
// Nothing of the server's own environment is passed on.

/** Settings for one process, in the order in which Git shall read them. They never touch a file or the command line. */
export type GitSettings = readonly (readonly [key: string, value: string])[]

const SETTINGS: GitSettings = [
  ['core.hooksPath', '/dev/null'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.quotePath', 'false'],
  ['core.fsync', 'committed,pack-metadata,reference'],
  // An empty value drops every helper that was named before.
  ['credential.helper', ''],
  // Git distrusts repositories of another user; a data folder that was restored by root is still ours.
  ['safe.directory', '*'],
  // Upkeep is an act of FlowForge's own, under the repository's lock; never a surprise inside a fetch.
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['protocol.version', '2'],
]

const VARIABLES = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  SSH_ASKPASS: '/bin/false',
  SSH_ASKPASS_REQUIRE: 'never',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_ALLOW_PROTOCOL: 'http:https:ssh',
} as const

export interface GitEnvironmentOptions {
  settings?: GitSettings
  variables?: Record<string, string>
}

export function gitEnvironment({
  settings = [],
  variables = {},
}: GitEnvironmentOptions = {}): Record<string, string> {
  const environment: Record<string, string> = { ...VARIABLES, ...variables }
  const all = [...SETTINGS, ...settings]
  environment.GIT_CONFIG_COUNT = String(all.length)
  for (const [index, [key, value]] of all.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key
    environment[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return environment
}
