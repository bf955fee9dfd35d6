-- What lies in object storage, how long things are kept, and tickets for live connections.
-- Up Migration

-- Events of a job that ended a while ago, as one object. Rows and segments do not overlap, and leave no gap.
create table event_segments (
  job_id uuid not null references jobs (id) on delete cascade,
  first_seq integer not null,
  last_seq integer not null,
  organization_id text not null,
  storage_key text not null unique,
  -- of the text before it was compressed
  raw_bytes bigint not null,
  raw_sha256 bytea not null,
  stored_bytes bigint not null,
  sealed_at timestamptz not null default now(),
  primary key (job_id, first_seq),
  check (first_seq <= last_seq)
);

-- When all events of the job were in segments. A job that goes on and ends again is sealed again.
alter table jobs add column sealed_at timestamptz;
-- Names neither `last_seq` nor anything else that changes while a job runs: such updates stay cheap.
create index jobs_to_seal on jobs (finished_at)
  where finished_at is not null and (sealed_at is null or sealed_at < finished_at);

-- Objects to delete, and objects that are about to be stored: whoever stores one writes it here first and takes it out in
-- the transaction that refers to it, so that no crash leaves an object that nobody knows.
create table doomed_objects (
  storage_key text primary key,
  organization_id text not null,
  delete_after timestamptz not null default now()
);
create index doomed_objects_due on doomed_objects (delete_after);

-- Whatever way a row goes (retention, its repository, its organization), its object follows.
create function flowforge_doom_objects() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into doomed_objects (storage_key, organization_id)
  select storage_key, organization_id from gone
  on conflict (storage_key) do update set delete_after = now();
  return null;
end $$;
create trigger event_segments_doom after delete on event_segments
  referencing old table as gone for each statement execute function flowforge_doom_objects();
create trigger artifacts_doom after delete on artifacts
  referencing old table as gone for each statement execute function flowforge_doom_objects();

create trigger job_sessions_doom after delete on job_sessions
  referencing old table as gone for each statement execute function flowforge_doom_objects();

-- Tokens and cost stay on the books when the job goes.
alter table claude_requests drop constraint claude_requests_job_id_fkey;

-- What retention looks for.
create index jobs_ended on jobs (organization_id, finished_at) where finished_at is not null;

-- How many days things are kept; null: for ever. An organization without a row has the installation's.
create table retention_settings (
  organization_id text primary key references organization (id) on delete cascade,
  jobs_days integer check (jobs_days > 0),
  events_days integer check (events_days > 0),
  artifacts_days integer check (artifacts_days > 0),
  mirrors_days integer check (mirrors_days > 0),
  updated_by text,
  updated_at timestamptz not null default now()
);

-- One live connection of somebody who can not send headers. Only the hash is kept.
create table live_tickets (
  hash bytea primary key,
  organization_id text not null references organization (id) on delete cascade,
  user_id text not null references "user" (id) on delete cascade,
  expires_at timestamptz not null
);

do $$
declare tenant_table text;
begin
  foreach tenant_table in array array['event_segments', 'doomed_objects', 'retention_settings', 'live_tickets'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format(
      'create policy tenant on %I using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id))',
      tenant_table
    );
  end loop;
end $$;
