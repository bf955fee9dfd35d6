-- Jobs that wait for a person: what was asked, what people said, and the conversation that goes on from there.
-- Up Migration

alter table jobs
  add column plan_first boolean not null default false,
  add column questions text not null default 'ask' check (questions in ('ask', 'decide')),
  -- since when it waits; the clock of its time limit stands still meanwhile
  add column waiting_since timestamptz,
  -- number of the newest message of a person, and of the newest that Claude has been given
  add column messages integer not null default 0,
  add column messages_told integer not null default 0,
  -- what FlowForge put on the branch itself: the only commit that a further turn may replace there
  add column published_commit text;
update jobs set published_commit = head_commit where state = 'succeeded';
create index jobs_waiting on jobs (waiting_since) where state = 'waiting';

-- Unfinished work that the attempt left in the mirror when its container was released.
alter table attempts add column work_commit text;

-- What Claude asked of people. Decided once; `closed_at`: nobody can decide it any more.
create table approvals (
  job_id uuid not null references jobs (id) on delete cascade,
  request_id text not null,
  organization_id text not null references organization (id) on delete cascade,
  attempt integer not null,
  kind text not null check (kind in ('tool', 'plan', 'question', 'reply')),
  input jsonb not null,
  requested_at timestamptz not null default now(),
  decision text check (decision in ('allow', 'deny')),
  note text,
  answers jsonb,
  decided_by text,
  decided_at timestamptz,
  closed_at timestamptz,
  primary key (job_id, request_id)
);
create index approvals_pending on approvals (job_id, requested_at) where decided_at is null and closed_at is null;

-- What people told a job while it ran, waited or was finished, numbered. Kept until the job goes: a conversation that is
-- lost is begun anew with it.
create table job_messages (
  job_id uuid not null references jobs (id) on delete cascade,
  number integer not null,
  organization_id text not null references organization (id) on delete cascade,
  -- the words of a reply; null for a decision alone
  text text,
  -- the request that it decides
  request_id text,
  sent_by text,
  sent_at timestamptz not null default now(),
  primary key (job_id, number)
);

-- The conversation as the newest runner saved it; the file itself lies in object storage.
create table job_sessions (
  job_id uuid primary key references jobs (id) on delete cascade,
  organization_id text not null references organization (id) on delete cascade,
  session_id text not null,
  attempt integer not null,
  storage_key text not null,
  size_bytes bigint not null,
  -- the newest message that this state of the conversation knows
  through_message integer not null,
  saved_at timestamptz not null default now()
);

do $$
declare tenant_table text;
begin
  foreach tenant_table in array array['approvals', 'job_messages', 'job_sessions'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format(
      'create policy tenant on %I using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id))',
      tenant_table
    );
  end loop;
end $$;
