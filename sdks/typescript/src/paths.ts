// The routes in the shape that openapi-typescript gives them, for openapi-fetch. Holds no behaviour.
// The place of `generated/api.d.ts` until openapi.json can be made from the server's routes.
import type {
  ApiKey,
  DoctorCheck,
  Job,
  JobDiff,
  JobEvent,
  JobState,
  Me,
  NewApiKey,
  NewJob,
  NewRepository,
  Page,
  Repository,
  SystemInfo,
} from './types.ts'

interface Parameters {
  query?: object
  path?: object
}

interface Json<Answer, P extends Parameters = Parameters> {
  parameters: P
  responses: { 200: { content: { 'application/json': Answer } } }
}

interface Text<P extends Parameters> {
  parameters: P
  responses: { 200: { content: { 'text/plain': string } } }
}

interface Creating<Body, Answer> {
  parameters: { header?: { 'Idempotency-Key'?: string } }
  requestBody: { content: { 'application/json': Body } }
  responses: { 201: { content: { 'application/json': Answer } } }
}

interface Removing {
  parameters: ById
  responses: { 204: { content?: never } }
}

interface ById {
  path: { id: string }
}

interface Paging {
  limit?: number
  cursor?: string
}

export interface JobFilter {
  state?: JobState
  repositoryId?: string
}

export interface paths {
  '/api/v1/jobs': {
    get: Json<Page<Job>, { query?: Paging & JobFilter }>
    post: Creating<NewJob, Job>
  }
  '/api/v1/jobs/{id}': { get: Json<Job, ById> }
  '/api/v1/jobs/{id}/cancel': { post: Json<Job, ById & { header?: { 'Idempotency-Key'?: string } }> }
  '/api/v1/jobs/{id}/events': {
    get: Json<Page<JobEvent>, ById & { query?: { after?: number; limit?: number } }>
  }
  '/api/v1/jobs/{id}/diff': { get: Json<JobDiff, ById> }
  '/api/v1/jobs/{id}/log': { get: Text<ById> }
  '/api/v1/jobs/{id}/stream': { get: Text<ById & { query?: { after?: number } }> }
  '/api/v1/repositories': {
    get: Json<Page<Repository>, { query?: Paging }>
    post: Creating<NewRepository, Repository>
  }
  '/api/v1/repositories/{id}': { get: Json<Repository, ById>; delete: Removing }
  '/api/v1/api-keys': {
    get: Json<Page<ApiKey>, { query?: Paging }>
    post: Creating<{ name: string }, NewApiKey>
  }
  '/api/v1/api-keys/{id}': { delete: Removing }
  '/api/v1/me': { get: Json<Me> }
  '/api/v1/system': { get: Json<SystemInfo> }
  '/api/v1/doctor': { get: Json<{ checks: DoctorCheck[] }> }
}
