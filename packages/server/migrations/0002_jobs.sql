-- Repositories, jobs, attempts and their events. Words as in docs/glossary.md.
-- Up Migration

create table repositories (
  id uuid primary key,
  organization_id text not null references organization (id) on delete cascade,
  name text not null,
  -- null: hosted, pushed straight to FlowForge
  url text,
  default_branch text,
  -- {"type": ...}, sealed with the master key
  credential bytea,
  settings jsonb not null default '{}',
  created_by text references "user" (id) on delete set null,
  created_at timestamptz not null default now()
);
create unique index repositories_name on repositories (organization_id, lower(name));

-- Numbers that people say to each other. Taken before the submitting transaction, so that submitters do not wait
-- for each other's commit: a number may be skipped, never given twice.
create table job_numbers (
  organization_id text primary key references organization (id) on delete cascade,
  last_number integer not null
);

create table jobs (
  id uuid primary key,
  organization_id text not null references organization (id) on delete cascade,
  repository_id uuid not null references repositories (id) on delete cascade,
  number integer not null,
  created_by text references "user" (id) on delete set null,
  state text not null check (state in ('pending', 'queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  -- -1 low, 0 normal, 1 high
  priority smallint not null default 0,
  task text not null,
  -- null until the job starts, when the repository's default branch was meant
  base_branch text,
  base_commit text,
  branch text not null,
  head_commit text,
  pull_request_url text,
  model text,
  setup text[] not null default '{}',
  verify text[] not null default '{}',
  environment jsonb not null default '{}',
  budget_usd numeric(12, 6),
  timeout_seconds integer not null,
  max_attempts integer not null,
  -- number of the newest attempt; 0 before the first claim
  attempt integer not null default 0,
  turn integer not null default 1,
  stage text,
  waiting_for text check (waiting_for in ('question', 'plan', 'budget', 'reply')),
  reason jsonb,
  result jsonb,
  cost_usd numeric(14, 6) not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cache_read_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  scripted_model boolean not null default false,
  cancel_requested_at timestamptz,
  cancelled_by text,
  -- seq of the newest event; events are numbered under this row's lock
  last_seq integer not null default 0,
  run_at timestamptz,
  created_at timestamptz not null default now(),
  queued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  unique (organization_id, number)
);
create index jobs_claim on jobs (priority desc, queued_at, id) where state = 'queued';
create index jobs_list on jobs (organization_id, id desc);
create index jobs_by_repository on jobs (repository_id, id desc);
create index jobs_unfinished on jobs (state) where state in ('pending', 'queued', 'running', 'waiting');

create table workers (
  id uuid primary key,
  version text not null,
  executor text not null,
  host text not null,
  pid integer not null,
  concurrency integer not null,
  draining boolean not null default false,
  facts jsonb not null default '{}',
  -- attempt ids of containers that were started ahead and wait for a job
  spares uuid[] not null default '{}',
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

-- One try at a job. `epoch` rises with each holder of the lease; a write that names an older one is refused.
create table attempts (
  id uuid primary key,
  job_id uuid not null references jobs (id) on delete cascade,
  organization_id text not null references organization (id) on delete cascade,
  number integer not null,
  epoch integer not null default 1,
  worker_id uuid not null,
  lease_expires_at timestamptz not null,
  -- the first runner's nonce per phase: the order is answered to it alone
  nonces jsonb not null default '{}',
  -- {"agent": ContainerHandle, "verify": ContainerHandle}
  containers jsonb not null default '{}',
  -- what the runners reported at their end: claims, {"agent": SettleReport, "verify": SettleReport}
  reports jsonb not null default '{}',
  -- what the gateway saw pushed and stored
  pushed_commit text,
  session_id text,
  started_at timestamptz not null default now(),
  deadline_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  unique (job_id, number)
);
create unique index attempts_one_live on attempts (job_id) where ended_at is null;
create index attempts_live on attempts (worker_id, lease_expires_at) where ended_at is null;

-- `json`, not `jsonb`: stored as it came, never searched, and cheaper to insert.
create table events (
  job_id uuid not null references jobs (id) on delete cascade,
  seq integer not null,
  organization_id text not null,
  attempt integer not null,
  type text not null,
  at timestamptz not null,
  data json not null,
  primary key (job_id, seq)
);

-- How far each source of an attempt has been stored: makes event batches idempotent.
create table event_sources (
  attempt_id uuid not null references attempts (id) on delete cascade,
  source text not null,
  organization_id text not null,
  last_source_seq integer not null,
  primary key (attempt_id, source)
);

create table runner_commands (
  attempt_id uuid not null references attempts (id) on delete cascade,
  id integer not null,
  organization_id text not null,
  command jsonb not null,
  created_at timestamptz not null default now(),
  primary key (attempt_id, id)
);

create table artifacts (
  job_id uuid not null references jobs (id) on delete cascade,
  name text not null,
  organization_id text not null,
  attempt integer not null,
  size_bytes bigint not null,
  content_type text not null,
  storage_key text not null,
  created_at timestamptz not null default now(),
  primary key (job_id, name)
);

-- The ledger: one row per request that the Claude gateway passed on.
create table claude_requests (
  id uuid primary key,
  organization_id text not null references organization (id) on delete cascade,
  job_id uuid not null references jobs (id) on delete cascade,
  attempt_id uuid not null,
  model text not null,
  status integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  cost_usd numeric(14, 6) not null,
  scripted boolean not null,
  duration_ms integer not null,
  first_byte_ms integer,
  upstream_request_id text,
  at timestamptz not null default now()
);
create index claude_requests_by_job on claude_requests (job_id);
create index claude_requests_by_time on claude_requests (organization_id, at);

-- The answer of a creating request, kept in the transaction that created: the same key gets the same answer.
create table idempotency_keys (
  organization_id text not null references organization (id) on delete cascade,
  key text not null,
  request_hash text not null,
  status integer not null,
  body json not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, key)
);

-- One row of facts about this installation.
create table installation (
  id uuid primary key,
  created_at timestamptz not null default now(),
  only_row boolean not null default true unique check (only_row)
);
