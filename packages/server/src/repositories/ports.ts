// What the acts on repositories ask of the Git data: the mirrors in git/ stand behind it.
export interface RepositoryDiff {
  stat: { filesChanged: number; insertions: number; deletions: number }
  diff: string
  truncated: boolean
}

export interface RepositoryFiles {
  createHosted(repositoryId: string, defaultBranch: string): Promise<void>
  diff(
    repositoryId: string,
    base: string,
    head: string,
    options: { maxBytes: number },
  ): Promise<RepositoryDiff>
  remove(repositoryId: string): Promise<void>
  /** What its copy takes on this machine; 0: there is none. */
  mirrorBytes(repositoryId: string): Promise<number>
}
