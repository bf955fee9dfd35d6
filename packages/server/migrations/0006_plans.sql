-- Work that is planned: schedules, jobs that need other jobs, results that are used again.
-- Up Migration

create table schedules (
  id uuid primary key,
  organization_id text not null references organization (id) on delete cascade,
  -- null: the repository was removed; the schedule says so at its next run
  repository_id uuid references repositories (id) on delete set null,
  name text not null,
  cron text not null,
  -- an IANA name: what the hours of `cron` mean
  timezone text not null,
  -- what each of its jobs is submitted with, as POST /jobs takes it
  job jsonb not null,
  overlap text not null check (overlap in ('skip', 'queue', 'cancel_previous')),
  missed text not null check (missed in ('skip', 'run_once')),
  enabled boolean not null default true,
  -- null while it is paused
  next_run_at timestamptz,
  last_run_at timestamptz,
  last_job_id uuid references jobs (id) on delete set null,
  -- {"code", "message", "at"}: why the last run made no job; null when it made one
  last_error jsonb,
  created_by text references "user" (id) on delete set null,
  created_at timestamptz not null default now()
);
create unique index schedules_name on schedules (organization_id, lower(name));
create index schedules_due on schedules (next_run_at) where enabled;
create index schedules_by_repository on schedules (repository_id);
create index schedules_by_last_job on schedules (last_job_id);

-- One row for each due time that was dealt with, written with the job that came of it: a due time is dealt with once.
create table schedule_runs (
  schedule_id uuid not null references schedules (id) on delete cascade,
  due_at timestamptz not null,
  organization_id text not null references organization (id) on delete cascade,
  outcome text not null check (outcome in ('submitted', 'skipped', 'missed', 'failed')),
  job_id uuid references jobs (id) on delete set null,
  message text,
  at timestamptz not null default now(),
  primary key (schedule_id, due_at)
);
create index schedule_runs_by_job on schedule_runs (job_id) where job_id is not null;

alter table jobs add column schedule_id uuid references schedules (id) on delete set null;
create index jobs_by_schedule on jobs (schedule_id, id desc) where schedule_id is not null;

-- Jobs that must have succeeded before this one starts. No foreign key: one that is removed counts as not succeeded.
alter table jobs add column needs uuid[] not null default '{}';
create index jobs_by_need on jobs using gin (needs) where needs <> '{}';
-- The needed job whose result this one starts from, instead of the base branch.
alter table jobs add column base_from uuid;
-- The job that must have ended, however, before this one starts: the runs of a schedule, one after the other.
alter table jobs add column start_after uuid;
create index jobs_by_predecessor on jobs (start_after) where start_after is not null;

-- What a result depends on, as one hash; known when the base is.
alter table jobs add column cache boolean not null default false;
alter table jobs add column cache_key text;
alter table jobs add column cached_from uuid;
alter table jobs add column cached_from_number integer;
create index jobs_by_cache_key on jobs (cache_key, id desc) where state = 'succeeded' and cache_key is not null;

create index jobs_due on jobs (run_at) where state = 'pending';

-- Keys are forgotten after a day.
create index idempotency_keys_by_age on idempotency_keys (created_at);

do $$
declare tenant_table text;
begin
  foreach tenant_table in array array['schedules', 'schedule_runs'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format(
      'create policy tenant on %I using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id))',
      tenant_table
    );
  end loop;
end $$;
