// A repository's credential is sealed to its repository: a row's bytes moved to another row do not open.
import type { GitCredential } from '../git/upstream.ts'
import type { Sealing } from '../secrets/sealing.ts'
import type { RepositoryRow } from '../store/repositories.ts'

export const credentialContext = (repositoryId: string): string => `repository-credential/${repositoryId}`

export const openCredential = (sealing: Sealing, repository: RepositoryRow): GitCredential | null =>
  repository.credential &&
  (JSON.parse(sealing.open(repository.credential, credentialContext(repository.id))) as GitCredential)
