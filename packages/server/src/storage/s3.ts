// Object storage in a bucket of Amazon S3 or a server that speaks its protocol. The client is loaded at its first use:
// it takes longer to load than the rest of FlowForge.
import type { Readable } from 'node:stream'
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { checkByUse } from './check-by-use.ts'
import { requireKey } from './keys.ts'
import { withNamedErrors } from './named-errors.ts'
import type { ObjectStorage, StoredObject } from './port.ts'
import type { S3Location } from './s3-location.ts'

export interface S3Options extends S3Location {
  /** null: what the client finds by itself, such as the role of the machine. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | null
}

/** DeleteObjects takes no more (API reference). */
const MAX_DELETED_AT_ONCE = 1000
/** S3 takes 10,000 parts: a backup may have 156 GiB. */
const PART_BYTES = 16 * 1024 ** 2
const CONNECT_TIMEOUT_MS = 5_000
/** Without a byte for so long a request is given up. */
const SILENCE_TIMEOUT_MS = 20_000

export function createS3Storage(options: S3Options): ObjectStorage {
  const { bucket, prefix } = options
  const keyIn = (key: string) => prefix + requireKey(key)
  const place = `bucket ${bucket}${options.endpoint ? ` at ${new URL(options.endpoint).host}` : ''}`
  const connect = onceLoaded(async () => {
    const sdk = await import('@aws-sdk/client-s3')
    return { sdk, client: new sdk.S3Client(clientConfig(options)) }
  })

  const storage: Omit<ObjectStorage, 'check'> = {
    put: async (key, body) => {
      const target = { Bucket: bucket, Key: keyIn(key) }
      const { sdk, client } = await connect()
      const broken = watchBody(body)
      try {
        if (body instanceof Uint8Array) await client.send(new sdk.PutObjectCommand({ ...target, Body: body }))
        else await uploadInParts(client, target, body)
      } catch (error) {
        throw broken() ?? nameS3Error(error, place)
      }
    },
    get: async key => {
      const target = { Bucket: bucket, Key: keyIn(key) }
      const { sdk, client } = await connect()
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand(target))
        return withNamedErrors(Body as Readable, error => nameS3Error(error, place))
      } catch (error) {
        if (isMissing(error)) return null
        throw nameS3Error(error, place)
      }
    },
    list: async function* (wanted) {
      const { sdk, client } = await connect()
      try {
        const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix + wanted })
        for await (const { Contents = [] } of pages)
          for (const object of Contents) yield viewObject(object, prefix)
      } catch (error) {
        throw nameS3Error(error, place)
      }
    },
    delete: async keys => {
      const targets = keys.map(key => ({ Key: keyIn(key) }))
      const { sdk, client } = await connect()
      for (let at = 0; at < targets.length; at += MAX_DELETED_AT_ONCE) {
        const Objects = targets.slice(at, at + MAX_DELETED_AT_ONCE)
        try {
          const { Errors = [] } = await client.send(
            new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
          )
          const failed = Errors.find(({ Code }) => Code !== 'NoSuchKey')
          if (failed) throw Object.assign(new Error(failed.Message), { name: failed.Code })
        } catch (error) {
          throw nameS3Error(error, place)
        }
      }
    },
  }
  return { ...storage, check: checkByUse(storage, `S3 ${place}`) }
}

function clientConfig({ endpoint, region, pathStyle, credentials }: S3Options): S3ClientConfig {
  return {
    region,
    forcePathStyle: pathStyle,
    ...(endpoint && { endpoint }),
    ...(credentials && { credentials }),
    maxAttempts: 3,
    // Other servers than Amazon's do not know the newer checksums; what is stored has its own (encrypted.ts).
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
  }
}

/** Of unknown size: in parts, of which nothing is seen before the last has come. */
async function uploadInParts(
  client: S3Client,
  target: { Bucket: string; Key: string },
  body: Readable,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage')
  const params = { ...target, Body: body }
  await new Upload({ client, params, queueSize: 2, partSize: PART_BYTES }).done()
}

/** Tells afterwards whether it was the body that broke, and how. */
function watchBody(body: Uint8Array | Readable): () => unknown {
  let broken: unknown = null
  if (!(body instanceof Uint8Array))
    body.on('error', error => {
      broken = error
    })
  return () => broken
}

function onceLoaded<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    loading ??= load()
    return loading
  }
}

const viewObject = (
  object: { Key?: string; Size?: number; LastModified?: Date },
  prefix: string,
): StoredObject => ({
  key: object.Key!.slice(prefix.length),
  sizeBytes: object.Size ?? 0,
  modifiedAt: object.LastModified ?? new Date(0),
})

const isMissing = (error: unknown): boolean => error instanceof Error && error.name === 'NoSuchKey'

/** What the sentence adds for those answers that somebody can do something about. */
const ADVICE: Record<string, string> = {
  NoSuchBucket: 'Make the bucket, or correct FLOWFORGE_STORAGE_URL.',
  AccessDenied: 'Give this key the right to get, put, list and delete there.',
  InvalidAccessKeyId: 'Check AWS_ACCESS_KEY_ID.',
  SignatureDoesNotMatch: 'Check AWS_SECRET_ACCESS_KEY and the region in FLOWFORGE_STORAGE_URL.',
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
}

function nameS3Error(error: unknown, place: string): unknown {
  if (isFlowForgeError(error)) return error
  const { name, code, $fault, $metadata } = error as {
    name?: string
    code?: string
    $fault?: 'client' | 'server'
    $metadata?: { httpStatusCode?: number }
  }
  if ($metadata?.httpStatusCode === 507)
    return new FlowForgeError('disk_full', `No space is left in the S3 ${place}.`, { cause: error })
  const what = code ?? name ?? 'no reason given'
  const advice =
    ADVICE[name ?? ''] ??
    ($fault === 'client'
      ? 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and FLOWFORGE_STORAGE_URL.'
      : 'Nothing was lost; try again when it answers.')
  return new FlowForgeError(
    'storage_unavailable',
    `The S3 ${place} does not take this (${what}). ${advice}`,
    { cause: error },
  )
}
