// The only reader of process.env: parsed once, frozen, with errors that say what to set. docs/guides/configuration.md lists them.

import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Cron } from 'croner'
import { z } from 'zod'
import { FlowForgeError } from './errors.ts'
import type { KeepDays } from './retention/settings.ts'
import { parseS3Location, type S3Location } from './storage/s3-location.ts'

const port = z.coerce.number().int().min(1).max(65535)
const httpUrl = z.url({ protocol: /^https?$/ }).transform(url => url.replace(/\/+$/, ''))
const commaList = z.string().transform(text =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(Boolean),
)

const s3Url = z.url({ protocol: /^s3$/ }).transform((text, context): S3Location => {
  try {
    return parseS3Location(text)
  } catch (error) {
    context.addIssue((error as Error).message)
    return z.NEVER
  }
})

/** A folder or a bucket: kept as it was written, since people read it again. */
const backupPlace = z
  .string()
  .refine(text => text.startsWith('/') || text.startsWith('s3://'), 'must be an absolute path or s3://…')
  .superRefine((text, context) => {
    try {
      if (text.startsWith('s3://')) parseS3Location(text)
    } catch (error) {
      context.addIssue((error as Error).message)
    }
  })

const cron = z.string().superRefine((text, context) => {
  try {
    if (new Cron(text, { paused: true }).nextRun() === null) context.addIssue('names no time that ever comes')
  } catch {
    context.addIssue('must be a cron expression, such as 0 3 * * *')
  }
})

/** `jobs=365,events=90` */
const keepDays = z.string().transform((text, context): KeepDays => {
  const days: KeepDays = { jobs: null, events: null, artifacts: null, mirrors: null }
  for (const part of text.split(',')) {
    const [, name, count] = /^\s*(jobs|events|artifacts|mirrors)\s*=\s*([1-9]\d{0,4})\s*$/.exec(part) ?? []
    if (name) days[name as keyof KeepDays] = Number(count)
    else context.addIssue('must be like jobs=365,events=90,artifacts=30,mirrors=60')
  }
  return days
})

const variables = z.object({
  FLOWFORGE_PORT: port.default(7420),
  FLOWFORGE_HOST: z.string().min(1).default('127.0.0.1'),
  FLOWFORGE_DATA_DIR: z.string().min(1).optional(),
  FLOWFORGE_PUBLIC_URL: httpUrl.optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  FLOWFORGE_QUEUE_URL: z.url({ protocol: /^(amqps?|rediss?)$/ }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  FLOWFORGE_STORAGE_URL: s3Url.optional(),
  FLOWFORGE_BACKUP_URL: backupPlace.optional(),
  FLOWFORGE_BACKUP_SCHEDULE: cron.default('0 3 * * *'),
  FLOWFORGE_BACKUP_KEEP: z.coerce.number().int().min(1).max(1000).default(7),
  FLOWFORGE_EXECUTOR: z.enum(['docker', 'dummy']).default('docker'),
  FLOWFORGE_CONCURRENCY: z.coerce.number().int().min(1).max(1000).default(availableParallelism()),
  FLOWFORGE_SPARE_CONTAINERS: z.coerce.number().int().min(0).max(100).optional(),
  FLOWFORGE_GATEWAY_MODE: z.enum(['socket', 'network']).optional(),
  FLOWFORGE_AGENT_IMAGE: z.string().min(1).optional(),
  FLOWFORGE_BOOTSTRAP_TOKEN: z.string().min(16, 'must have 16 characters or more').max(512).optional(),
  FLOWFORGE_MASTER_KEY: z
    .base64({ abort: true })
    .refine(
      text => Buffer.from(text, 'base64').length === 32,
      'must be 32 bytes in base64: openssl rand -base64 32',
    )
    .optional(),
  FLOWFORGE_TRUSTED_HOSTS: commaList.default([]),
  FLOWFORGE_WAIT_CONTAINER_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(7 * 24 * 3600)
    .default(900),
  FLOWFORGE_WAIT_LIMIT_HOURS: z.coerce
    .number()
    .positive()
    .max(24 * 366)
    .default(168),
  FLOWFORGE_NO_PROGRESS_SECONDS: z.coerce.number().int().min(10).max(86_400).default(600),
  FLOWFORGE_LEASE_SECONDS: z.coerce.number().int().min(5).max(3600).default(30),
  FLOWFORGE_SEAL_AFTER_SECONDS: z.coerce.number().int().min(0).max(31_536_000).default(3600),
  FLOWFORGE_DRAIN_SECONDS: z.coerce.number().int().min(0).max(86_400).default(25),
  FLOWFORGE_KEEP_DAYS: keepDays.default({ jobs: null, events: null, artifacts: null, mirrors: null }),
  FLOWFORGE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NO_COLOR: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional(),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  AWS_SESSION_TOKEN: z.string().min(1).optional(),
  FLOWFORGE_GIT_STALL_SECONDS: z.coerce.number().int().min(5).max(3600).default(120),
  FLOWFORGE_CLAUDE_PATIENCE_SECONDS: z.coerce.number().int().min(5).max(86_400).default(900),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: httpUrl.default('https://api.anthropic.com'),
})

export const VARIABLE_NAMES: readonly string[] = Object.keys(variables.shape)

/** Where objects are kept: in the data folder, or in a bucket. */
export type StorageConfig =
  | { kind: 'files'; directory: string }
  | { kind: 's3'; location: S3Location; credentials: S3Credentials | null }
/** null: what the S3 client finds by itself, such as the role of the machine. */
export interface S3Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** Regular backups. */
export interface BackupConfig {
  /** A folder, or s3://bucket/prefix. */
  where: string
  /** Cron, in the time zone of the machine. */
  schedule: string
  keep: number
}

export interface Config {
  version: string
  port: number
  host: string
  dataDirectory: string
  /** The address that people and webhooks use. */
  publicUrl: string
  databaseUrl: string | null
  /** The broker that rings for claimers; null: Postgres does. */
  queue: { kind: 'rabbitmq' | 'redis'; url: string } | null
  /** Carries live events between processes; null: Postgres does. */
  redisUrl: string | null
  storage: StorageConfig
  /** null: nobody has said where to. */
  backup: BackupConfig | null
  /** For buckets. */
  s3Credentials: S3Credentials | null
  executor: 'docker' | 'dummy'
  concurrency: number
  /** Containers started ahead of the next job. */
  spareContainers: number
  /** How containers reach the gateway; `chosen` = someone set it, and did not leave it to the system. */
  gateway: { mode: 'socket' | 'network'; chosen: boolean }
  /** null: the one that script/setup built from this checkout. */
  agentImage: string | null
  bootstrapToken: string | null
  masterKey: string | null
  trustedHosts: string[]
  /** A Git host that is silent for so long in the middle of a fetch is given up. */
  gitStallSeconds: number
  leaseSeconds: number
  /** How long a clone or push of a container may stand still; commands may be silent for as long as they may run besides. */
  noProgressSeconds: number
  /** How long a container is kept that only waits for a person. */
  waitContainerSeconds: number
  /** How long a job waits for a person. */
  waitLimitHours: number
  /** How long after its end a job's events move to object storage. */
  sealAfterSeconds: number
  /** How long a process that was told to end waits for what runs in it. */
  drainSeconds: number
  /** For organizations that have no settings of their own. */
  keepDays: KeepDays
  logLevel: string
  /** Whether logs for people may be coloured (no-color.org). */
  colour: boolean
  /** The default key and upstream of Claude; held by the gateway only. */
  claude: { apiKey: string | null; baseUrl: string; patienceSeconds: number }
}

/** Throws `config_invalid` with one line per variable that can't be used. */
export function readConfig(
  environment: Record<string, string | undefined>,
  platform: NodeJS.Platform = process.platform,
): Config {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = variables.safeParse(present)
  if (!parsed.success) throw new FlowForgeError('config_invalid', explain(parsed.error))
  const set = parsed.data
  const dataDirectory = resolve(set.FLOWFORGE_DATA_DIR ?? defaultDataDirectory())
  return Object.freeze({
    version: VERSION,
    port: set.FLOWFORGE_PORT,
    host: set.FLOWFORGE_HOST,
    dataDirectory,
    publicUrl: set.FLOWFORGE_PUBLIC_URL ?? `http://${hostInUrl(set.FLOWFORGE_HOST)}:${set.FLOWFORGE_PORT}`,
    databaseUrl: set.DATABASE_URL ?? null,
    queue: queueConfig(set.FLOWFORGE_QUEUE_URL),
    redisUrl: set.REDIS_URL ?? null,
    storage: storageConfig(set, dataDirectory),
    backup: backupConfig(set),
    s3Credentials: s3Credentials(set),
    executor: set.FLOWFORGE_EXECUTOR,
    concurrency: set.FLOWFORGE_CONCURRENCY,
    spareContainers: set.FLOWFORGE_SPARE_CONTAINERS ?? Math.min(set.FLOWFORGE_CONCURRENCY, 2),
    gateway: {
      // Elsewhere containers run in a virtual machine, and a socket does not lead out of it.
      mode: set.FLOWFORGE_GATEWAY_MODE ?? (platform === 'linux' ? 'socket' : 'network'),
      chosen: set.FLOWFORGE_GATEWAY_MODE !== undefined,
    },
    agentImage: set.FLOWFORGE_AGENT_IMAGE ?? null,
    bootstrapToken: set.FLOWFORGE_BOOTSTRAP_TOKEN ?? null,
    masterKey: set.FLOWFORGE_MASTER_KEY ?? null,
    trustedHosts: set.FLOWFORGE_TRUSTED_HOSTS,
    gitStallSeconds: set.FLOWFORGE_GIT_STALL_SECONDS,
    leaseSeconds: set.FLOWFORGE_LEASE_SECONDS,
    noProgressSeconds: set.FLOWFORGE_NO_PROGRESS_SECONDS,
    waitContainerSeconds: set.FLOWFORGE_WAIT_CONTAINER_SECONDS,
    waitLimitHours: set.FLOWFORGE_WAIT_LIMIT_HOURS,
    sealAfterSeconds: set.FLOWFORGE_SEAL_AFTER_SECONDS,
    drainSeconds: set.FLOWFORGE_DRAIN_SECONDS,
    keepDays: set.FLOWFORGE_KEEP_DAYS,
    logLevel: set.FLOWFORGE_LOG_LEVEL,
    colour: set.NO_COLOR === undefined,
    claude: {
      apiKey: set.ANTHROPIC_API_KEY ?? null,
      baseUrl: set.ANTHROPIC_BASE_URL,
      patienceSeconds: set.FLOWFORGE_CLAUDE_PATIENCE_SECONDS,
    },
  })
}

function storageConfig(set: z.infer<typeof variables>, dataDirectory: string): StorageConfig {
  const location = set.FLOWFORGE_STORAGE_URL
  if (!location) return { kind: 'files', directory: join(dataDirectory, 'objects') }
  return { kind: 's3', location, credentials: s3Credentials(set) }
}

function s3Credentials(set: z.infer<typeof variables>): S3Credentials | null {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: sessionToken } = set
  return id && secret ? { accessKeyId: id, secretAccessKey: secret, sessionToken } : null
}

function backupConfig(set: z.infer<typeof variables>): BackupConfig | null {
  const {
    FLOWFORGE_BACKUP_URL: where,
    FLOWFORGE_BACKUP_SCHEDULE: schedule,
    FLOWFORGE_BACKUP_KEEP: keep,
  } = set
  return where ? { where, schedule, keep } : null
}

/** Follows `version` in package.json; a test compares the two. */
export const VERSION = '0.1.0'

const defaultDataDirectory = () =>
  process.getuid?.() === 0 ? '/var/lib/flowforge' : join(homedir(), '.flowforge')

/** An address to listen on is not always one to open: every interface means this machine. */
const hostInUrl = (host: string) => {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function queueConfig(url: string | undefined): Config['queue'] {
  if (!url) return null
  return { kind: /^amqps?:/.test(url) ? 'rabbitmq' : 'redis', url }
}

function explain(error: z.ZodError): string {
  const lines = error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
  return `The environment has values that can not be used. Correct or unset them:\n${lines.map(line => `  ${line}`).join('\n')}`
}
