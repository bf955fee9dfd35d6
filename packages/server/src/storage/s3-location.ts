// What `FLOWFORGE_STORAGE_URL` says: s3://bucket/prefix?endpoint=https://…&region=…&pathStyle=true

export interface S3Location {
  bucket: string
  /** '' or ends with `/`. */
  prefix: string
  /** null: Amazon's own. */
  endpoint: string | null
  region: string
  /** The bucket in the path, not in the host name: what most servers other than Amazon's want. */
  pathStyle: boolean
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const PREFIX = /^[\w.=-]+(\/[\w.=-]+)*$/
const PARAMETERS = new Set(['endpoint', 'region', 'pathStyle'])

/** Throws an Error whose message says what is wrong, and shows no value that may be a secret. */
export function parseS3Location(text: string): S3Location {
  const url = new URL(text)
  if (url.username || url.password)
    throw new Error('has credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead')
  const unknown = [...url.searchParams.keys()].find(name => !PARAMETERS.has(name))
  if (unknown) throw new Error(`knows endpoint, region and pathStyle, not ${unknown}`)
  if (!BUCKET.test(url.hostname)) throw new Error('must name a bucket: s3://bucket/prefix')
  const prefix = url.pathname.replace(/^\/|\/$/g, '')
  if (prefix && !PREFIX.test(prefix))
    throw new Error('has a prefix with other signs than A-Z a-z 0-9 . _ = -')
  const pathStyle = url.searchParams.get('pathStyle')
  if (pathStyle !== null && pathStyle !== 'true' && pathStyle !== 'false')
    throw new Error('pathStyle must be true or false')
  const endpoint = url.searchParams.get('endpoint')
  if (endpoint !== null && !isHttpUrl(endpoint)) throw new Error('endpoint must be an http or https URL')
  return {
    bucket: url.hostname,
    prefix: prefix && `${prefix}/`,
    endpoint,
    region: url.searchParams.get('region') ?? 'us-east-1',
    // Where an endpoint is named, its host rarely has a name for each bucket.
    pathStyle: pathStyle === null ? endpoint !== null : pathStyle === 'true',
  }
}

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
