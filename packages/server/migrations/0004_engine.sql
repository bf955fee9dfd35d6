-- The engine's further facts: where an attempt can be adopted, when a job may be tried again, how much runs at once.
-- Up Migration

-- The data folder that holds the doors and mirrors of the attempt: only a worker on the same one can adopt it.
alter table attempts add column place text;
-- The code that the attempt ended with, when it failed: what a retry policy counts.
alter table attempts add column failure text;
create index attempts_live_by_place on attempts (place) where ended_at is null;

-- An automatic retry waits until then.
alter table jobs add column not_before timestamptz;
-- Attempts made before a person's last retry: `max_attempts` counts from there.
alter table jobs add column attempts_before integer not null default 0;

create index jobs_queued on jobs (organization_id, priority desc, queued_at, id) where state = 'queued';
create index jobs_live on jobs (organization_id, repository_id, branch) where state in ('running', 'waiting');

-- How many jobs may run at once; null means as many as there is room for.
alter table repositories add column max_running integer check (max_running > 0);
create table organization_limits (
  organization_id text primary key references organization (id) on delete cascade,
  max_running integer check (max_running > 0)
);
alter table organization_limits enable row level security;
create policy tenant on organization_limits
  using (flowforge_sees(organization_id)) with check (flowforge_sees(organization_id));
