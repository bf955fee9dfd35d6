// Which key and which upstream an organization's requests to Claude use. Knows nothing of attempts or HTTP; holds real
// secrets, so what it returns must reach the upstream's headers and nothing else.

export interface ClaudeKey {
  /** The Messages API's address; a path in it is kept as a prefix. */
  baseUrl: string
  apiKey: string
  /** `x-api-key` unless the upstream wants `authorization` (sent as a Bearer token) or a header of its own. */
  headerName?: string
}

/** The seam for a pool of keys per organization: who asks never learns how a key was chosen. */
export interface ClaudeKeys {
  /** Undefined when there is no key for this organization. */
  forOrganization(organizationId: string): Promise<ClaudeKey | undefined>
}

export const DEFAULT_CLAUDE_BASE_URL = 'https://api.anthropic.com'

/** One key for everyone, from the configuration. */
export function createEnvironmentKeys(options: {
  apiKey: string | undefined
  baseUrl?: string | undefined
  headerName?: string
}): ClaudeKeys {
  if (!options.apiKey) return { forOrganization: async () => undefined }
  const key: ClaudeKey = {
    baseUrl: options.baseUrl ?? DEFAULT_CLAUDE_BASE_URL,
    apiKey: options.apiKey,
    ...(options.headerName ? { headerName: options.headerName } : {}),
  }
  return { forOrganization: async () => key }
}
