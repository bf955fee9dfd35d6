// The refs that FlowForge uses in a mirror.

/** All that is kept of a job. */
export const jobRefs = (jobId: string): string => `refs/flowforge/jobs/${jobId}`
/** The ref under which a job's pushed result is kept in the mirror, hidden from people and from other jobs. */
export const jobHeadRef = (jobId: string): string => `refs/flowforge/jobs/${jobId}/head`
/** Where a job starts from when that is another job's result. */
export const jobBaseRef = (jobId: string): string => `refs/flowforge/jobs/${jobId}/base`
/** What one attempt has pushed: the fence against a late push of an earlier one. */
export const attemptRef = (jobId: string, number: number): string =>
  `refs/flowforge/jobs/${jobId}/attempt-${number}`
/** What was saved of an attempt that broke off. People may fetch it: nothing under refs/heads moves for it. */
export const rescueRef = (jobId: string, number: number): string =>
  `refs/flowforge/jobs/${jobId}/rescue/${number}`
/** Unfinished work of an attempt whose container was released. */
export const workRef = (jobId: string, number: number): string =>
  `refs/flowforge/jobs/${jobId}/work-${number}`
export const branchRef = (branch: string): string => `refs/heads/${branch}`

/** Fetches and advertisements leave these out unless asked otherwise. */
export const HIDDEN_REFS = 'refs/flowforge'
/** Takes such a ref apart: the job, and `head` or `attempt-N`. */
export const jobRefPattern = /^refs\/flowforge\/jobs\/([^/]+)\/([^/]+)$/
