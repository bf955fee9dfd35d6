// Makes a repository known: with an upstream, or hosted here. A credential given with it, or within its URL, is sealed.
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError } from '../errors.ts'
import { checkAddress } from '../git/address.ts'
import type { GitCredential } from '../git/upstream.ts'
import { parseRepositoryUrl } from '../git/url.ts'
import type { Submitter } from '../jobs/submission.ts'
import type { Sealing } from '../secrets/sealing.ts'
import { type Database, isUniqueViolation } from '../store/database.ts'
import { type Answer, answerOnce, type Once } from '../store/idempotency.ts'
import { insertRepository, type RepositoryRow, type RepositorySettings } from '../store/repositories.ts'
import { credentialContext } from './credentials.ts'
import type { RepositoryFiles } from './ports.ts'

export interface NewRepository {
  name: string
  /** Absent: hosted. */
  url?: string
  defaultBranch?: string
  credential?: GitCredential
  settings?: RepositorySettings
}

export interface AddContext {
  database: Database
  sealing: Sealing
  files: RepositoryFiles
  trustedHosts: string[]
}

const HOSTED_DEFAULT_BRANCH = 'main'

/** Answers 201 with what `view` makes of the row, or what the same key was answered before. */
export async function addRepository<Body>(
  context: AddContext,
  by: Submitter,
  repository: NewRepository,
  once: Once | null,
  view: (row: RepositoryRow) => Body,
): Promise<Answer<Body>> {
  const id = uuidv7()
  const upstream =
    repository.url === undefined ? null : await checkedUrl(repository.url, context.trustedHosts)
  const credential = repository.credential ?? upstream?.embeddedCredential ?? null
  if (credential && !upstream) throw new FlowForgeError('validation_failed', HOSTED_HAS_NO_UPSTREAM)
  const defaultBranch = repository.defaultBranch ?? (upstream ? null : HOSTED_DEFAULT_BRANCH)
  try {
    return await context.database.inOrganization(by.organizationId, tx =>
      answerOnce(tx, by.organizationId, once, async () => {
        const row = await insertRepository(tx, {
          id,
          organization_id: by.organizationId,
          name: repository.name,
          url: upstream?.url ?? null,
          default_branch: defaultBranch,
          credential: credential && context.sealing.seal(JSON.stringify(credential), credentialContext(id)),
          settings: repository.settings ?? {},
          created_by: by.userId,
        })
        // Within the transaction: a repository that is in the list has its folder. A folder without a row is only rubbish.
        if (row.url === null) await context.files.createHosted(id, defaultBranch!)
        return { status: 201, body: view(row) }
      }),
    )
  } catch (error) {
    throw isUniqueViolation(error, 'repositories_name') ? nameTaken(repository.name) : error
  }
}

export const HOSTED_HAS_NO_UPSTREAM = 'credential: a hosted repository has no upstream to sign in to'

export const nameTaken = (name: string): FlowForgeError =>
  new FlowForgeError(
    'repository_name_taken',
    `There is a repository named ${name} already. Choose another name, or use that one.`,
  )

/** A host whose name can't be resolved now may be resolvable when a job runs; a private address is refused at once. */
async function checkedUrl(text: string, trustedHosts: string[]) {
  const url = parseRepositoryUrl(text)
  await checkAddress({ host: url.host, port: url.port, trustedHosts }).catch(error => {
    if (error instanceof FlowForgeError && error.code === 'git_unreachable') return
    throw error
  })
  return url
}
