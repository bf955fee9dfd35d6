// Turns what Git says when an upstream fails into a FlowForgeError with a sentence that names the next step.
import { type ErrorCode, FlowForgeError } from '../errors.ts'
import { GitExit } from './run.ts'

export interface RemoteContext {
  host: string
  hasCredential: boolean
  knownHostsFile: string
}

interface Rule {
  pattern: RegExp
  code: ErrorCode
  sentence: (context: RemoteContext) => string
}

const RULES: readonly Rule[] = [
  {
    // Said of our own copy; what the other side can't lock comes as a refused ref.
    pattern: /^error: cannot lock ref|unable to update local ref|Unable to create '.*\.lock'/m,
    code: 'unavailable',
    sentence: () =>
      "FlowForge's copy of the repository is being changed by another process. Try again in a moment.",
  },
  {
    pattern: /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'git_unreachable',
    sentence: ({ host, knownHostsFile }) =>
      `The ssh host key of ${host} is not the one seen before. If the change is meant, remove its line from ${knownHostsFile}.`,
  },
  {
    pattern: /Permission denied \(|Load key .*(invalid format|error in libcrypto)|no such identity/i,
    code: 'git_auth',
    sentence: ({ host, hasCredential }) =>
      hasCredential
        ? `${host} refused the ssh key. Check that the key is valid, has no passphrase, and may use this repository.`
        : `${host} asks for an ssh key. Give the repository a credential of type "ssh".`,
  },
  {
    pattern:
      /could not read (Username|Password)|Authentication failed|returned error: 40[13]|terminal prompts disabled/i,
    code: 'git_auth',
    sentence: ({ host, hasCredential }) =>
      hasCredential
        ? `${host} refused the token. Check that it is valid, not expired, and may use this repository.`
        : `${host} asks for a credential. If the repository exists and is private, give it a token.`,
  },
]

const NOT_FOUND =
  /repository '.*' not found|Repository not found|returned error: 404|does not appear to be a git repository|does not exist/i
const REDIRECTED = /returned error: 30[12378]/

export const isRedirect = (error: unknown): boolean =>
  error instanceof GitExit && REDIRECTED.test(error.stderr)

/** FlowForgeErrors and aborts pass through; a Git that failed becomes `git_auth` or `git_unreachable`. */
export function remoteFailure(error: unknown, context: RemoteContext): unknown {
  if (!(error instanceof GitExit)) return error
  const rule = RULES.find(candidate => candidate.pattern.test(error.stderr))
  if (rule !== undefined) return new FlowForgeError(rule.code, rule.sentence(context), { cause: error })
  if (NOT_FOUND.test(error.stderr)) return notFound(error, context)
  return new FlowForgeError('git_unreachable', unreachableSentence(error, context.host), { cause: error })
}

function notFound(cause: GitExit, { host, hasCredential }: RemoteContext): FlowForgeError {
  return hasCredential
    ? new FlowForgeError('git_auth', `${host} knows no such repository, or the credential may not see it.`, {
        cause,
      })
    : new FlowForgeError('git_unreachable', `${host} knows no such repository. Check the URL.`, { cause })
}

function unreachableSentence(error: GitExit, host: string): string {
  if (error.ending === 'timeout') return `${host} took too long. Try again when it answers faster.`
  if (error.ending === 'stalled') return `${host} stopped answering. Try again later.`
  const said = lastMessage(error.stderr)
  return `Git could not talk to ${host}${said === '' ? '' : `: ${said}`}. Check the URL and that this machine reaches the host.`
}

/** The last thing Git said, on one line, free of control characters and of its own prefix. */
export function lastMessage(stderr: string): string {
  const lines = stderr.split('\n').map(plainLine)
  const telling = lines.findLast(line => /^(fatal|error|ssh):/.test(line)) ?? lines.at(-1) ?? ''
  return telling
    .replace(/^(fatal|error): /, '')
    .replace(/\.$/, '')
    .slice(0, 300)
}

/** Everything that Git complained of, on one line. */
export function allMessages(stderr: string): string {
  const lines = stderr.split('\n').map(plainLine)
  const telling = lines.filter(line => /^(fatal|error):/.test(line))
  return telling
    .map(line => line.replace(/^(fatal|error): /, ''))
    .join('; ')
    .slice(0, 300)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const TERMINAL_SEQUENCE = /\x1b\[[0-9;?]*[ -/]*[@-~]/g

/** Without terminal sequences and without characters that reorder text. */
export function plainLine(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCE, '')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
}

/** What the other side's hooks said: the lines that Git prefixes with `remote:`. */
export function remoteMessages(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.startsWith('remote:'))
  return lines
    .map(line => plainLine(line.slice('remote:'.length)))
    .filter(line => line !== '')
    .slice(-5)
    .join(' ')
    .slice(0, 500)
}
